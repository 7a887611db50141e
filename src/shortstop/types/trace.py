"""The recorded row about a request."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shortstop.types.answer import Choice, Usage
from shortstop.types.books import Bill
from shortstop.types.conversation import Json
from shortstop.types.decision import Attempt, Decision
from shortstop.types.privacy import Clearance

TraceOutcome = Literal["ok", "error", "cancelled", "interrupted", "refused", "shadow"]
"""`shadow`: the other side of a request answered too, unseen, to be compared. Costs, no request."""


class Trace(Struct, frozen=True):
    """The one recorded row about a request. Reports and training sets are queries over Traces.

    `at` is Unix time in seconds. `request` is the body as the client sent it, `response` the
    answer's choices; of both is kept what the content policy allows: everything, a redacted form,
    or nothing.
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
    digest: str = ""
    request: Json | None = None
    response: tuple[Choice, ...] | None = None
    error: str | None = None
