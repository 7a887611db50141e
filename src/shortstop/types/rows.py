"""What stores are given to keep: content has been reduced and sealed by then."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct

from shortstop.types.learning import GradeSource
from shortstop.types.privacy import Tier

COLUMNS = (
    "id", "at", "tenant", "key", "conversation", "dialect", "model", "digest",
    "outcome", "status", "stream", "task", "target", "local", "tier", "reach", "attempts",
    "escalated", "explored", "seconds", "first_byte", "prompt_tokens", "completion_tokens",
    "tokens_estimated", "cost_pico", "cost_local_pico", "cost_remote_pico",
    "counterfactual_pico", "baseline", "unpriced", "prices", "joules", "joules_low",
    "joules_high", "joules_basis", "counterfactual_joules", "counterfactual_joules_low",
    "counterfactual_joules_high", "gco2", "gco2_low", "gco2_high", "run", "run_refusal",
    "user", "tag", "specialist", "deployment",
)  # fmt: skip
"""What reports filter and group by. Money in whole pico-dollars, time in seconds."""


class Row(NamedTuple):
    """A trace on its way into a store: one value for each of COLUMNS, and all of it as JSON.

    The trace itself would keep the whole request in memory until it is written.
    """

    columns: tuple[Any, ...]
    document: bytes


class GradeRow(Struct, frozen=True):
    """A grade on its way into a store. One for each (trace, tenant, source, target, grader).

    `correction` is JSON, or sealed. A `provisional` row lacks it because the tier of the trace was
    not known yet: such a row replaces only grades that are older.
    """

    trace: str
    tenant: str
    source: GradeSource
    target: str
    value: float | None
    at: float
    reference: str | None = None
    grader: str | None = None
    correction: bytes | None = None
    provisional: bool = False


class ResponseRow(NamedTuple):
    """A stored response of the Responses API. `turn` and `response` are JSON or sealed.

    `owner` alone may read it; `tenant` and `conversation` are what it is erased by.
    """

    id: str
    owner: str
    parent: str | None
    at: float
    turn: bytes
    response: bytes
    tenant: str = ""
    conversation: str = ""


class ResponseLink(NamedTuple):
    """What a response adds to its conversation, and the one that it goes on from."""

    id: str
    parent: str | None
    turn: bytes


class SealedSurrogates(NamedTuple):
    """A conversation's surrogates: its key, wrapped by its tenant's, and what that key sealed."""

    key: bytes
    sealed: bytes


class TaintRow(NamedTuple):
    """The highest tier that a conversation has held."""

    tenant: str
    conversation: str
    tier: Tier


class TaintRise(NamedTuple):
    """A conversation whose tier is new or has risen, and when in the order of all."""

    number: int
    row: TaintRow


class RunRow(NamedTuple):
    """What a run has taken: when it began, its answered steps and those under way, its money in
    whole pico-dollars."""

    began: float
    steps: int
    spent: int


class RunHead(NamedTuple):
    """How far a run has come: digests of the messages of one of its requests and of the answer to
    it, None where there was none; `newest`: no later step of the run has left it behind."""

    prefix: bytes
    run: str
    answer: bytes | None
    newest: bool = True
