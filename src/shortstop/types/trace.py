"""The recorded row, and what the pipeline hands back to the server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal

from msgspec import UNSET, Struct
from msgspec.structs import force_setattr

from shortstop.types.answer import Chunk, Reply, Usage
from shortstop.types.books import Bill
from shortstop.types.conversation import Json
from shortstop.types.decision import Attempt, Decision
from shortstop.types.privacy import Clearance

TraceOutcome = Literal["ok", "error", "cancelled", "interrupted", "refused", "shadow"]
"""`shadow`: the other side of a request answered too, unseen, to be compared. Costs, no request."""


class Trace(Struct, frozen=True):
    """The one recorded row about a request. Reports and training sets are queries over Traces.

    `at` is Unix time in seconds. `request` and `response` hold what the retention policy
    allows: everything, a redacted form, or nothing beside the digests.
    """

    id: str
    at: float
    tenant: str
    dialect: str
    model: str
    outcome: TraceOutcome
    status: int
    stream: bool
    seconds: float
    clearance: Clearance
    decision: Decision | None = None
    target: str | None = None
    local: bool = False
    attempts: tuple[Attempt, ...] = ()
    first_byte: float | None = None
    usage: Usage | None = None
    bill: Bill | None = None
    key: str | None = None
    conversation: str | None = None
    template: str = ""
    digest: str = ""
    request: Json | None = None
    response: Json | None = None
    error: str | None = None
    version: int = 1

    def __post_init__(self) -> None:
        """No row holds the case of its verdict, whoever makes it."""
        if self.clearance.case is not UNSET:
            force_setattr(self, "clearance", self.clearance.recorded())


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pipeline hands back to the door: a whole reply or a committed stream.

    `target` answered at Unix time `created`; `headers` explain the decision (`x-shortstop-*`),
    already text. Exactly one of `reply` and `chunks` is set.
    """

    target: str
    created: int
    headers: dict[str, str]
    reply: Reply | None = None
    chunks: AsyncGenerator[Chunk, None] | None = None
