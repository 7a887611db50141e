"""What the accounts say of a request on its way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct


class Admission(Struct, frozen=True):
    """A request that was let in, to be handed to `settle` when it is over.

    `headers` tell the client what is left of its limits (`x-ratelimit-*`). `tokens` is the estimate
    that was counted against a limit of tokens, None where the key has none.
    """

    headers: Mapping[str, str] = {}
    tokens: int | None = None


UNMETERED = Admission()
"""A request that no limit counts."""


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
