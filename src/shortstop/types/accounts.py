"""What the accounts say of a request on its way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct


class Admission(Struct, frozen=True):
    """A request that was let in, to be handed to `settle` when it is over.

    `headers` tell the client what is left of its limits (`x-ratelimit-*`). `tokens` is the estimate
    that was counted against a limit of tokens, None where the key has none. `line`: it is a line of
    a batch.
    """

    headers: Mapping[str, str] = {}
    tokens: int | None = None
    line: bool = False


UNMETERED = Admission()
"""A request that no limit counts."""


class KeyRow(NamedTuple):
    """A secret's fingerprint and its key as JSON. A secret that was replaced by a new one has the
    `tail` by which people recognise it, and is good `until` then, Unix time in seconds."""

    fingerprint: bytes
    record: str
    tail: str | None = None
    until: float | None = None


class PurseWindow(NamedTuple):
    """The window of a purse that holds now. What was spent under a name from `earliest` to
    `latest`, in the order of text, was spent in this window."""

    name: str
    earliest: str
    latest: str

    @classmethod
    def exactly(cls, name: str) -> PurseWindow:
        """Only what was spent under this very name was spent in it."""
        return cls(name, name, name)


class BudgetLevel(NamedTuple):
    """One of the budgets that a request must have room in: whole pico-dollars in a `window`."""

    purse: str
    budget: int
    window: PurseWindow


class ChangedGroup(NamedTuple):
    """A group's name and record from now on. What it has spent in the window `before`, it has then
    spent in `after`."""

    name: str
    record: str
    before: PurseWindow
    after: PurseWindow


class KeptRow(NamedTuple):
    """An answer on its way into a store; the body may be sealed. `tenant` and `conversation` are
    what it is erased by."""

    status: int
    headers: bytes
    body: bytes
    tenant: str = ""
    conversation: str = ""


class IdempotencyRecord(NamedTuple):
    """What is kept under an idempotency key: the fingerprint of the request that claimed it and,
    once it was made, the answer (`status` None until then). The body may be sealed."""

    fingerprint: bytes
    status: int | None = None
    headers: bytes | None = None
    body: bytes | None = None
