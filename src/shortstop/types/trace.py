"""The recorded row about a request."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shortstop.types.answer import Choice, Usage
from shortstop.types.books import Bill
from shortstop.types.conversation import Json
from shortstop.types.decision import Attempt, Decision
from shortstop.types.privacy import Clearance
from shortstop.types.runs import RunRefusal
from shortstop.types.tracing import TraceContext

TraceOutcome = Literal["ok", "error", "cancelled", "interrupted", "refused", "shadow"]
"""`shadow`: the other side of a request answered too, unseen, to be compared. Costs, no request."""


class Trace(Struct, frozen=True):
    """The one recorded row about a request. Reports and training sets are queries over Traces.

    `at` is Unix time in seconds. `request` is the body as the client sent it, `response` the
    answer's choices; of both is kept what the content policy allows: everything, a redacted form,
    or nothing. `run` is the run that the request was a step of, `run_refusal` why that step, or a
    call of its answer, was refused. `user` and `tag` are the caller's; `specialist` is the one that
    answered. `cleared` and `decided` are when privacy's verdict and the decision were there, in
    seconds after the beginning. `trace_context` is the request's place in a distributed trace.
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
    run: str | None = None
    run_refusal: RunRefusal | None = None
    user: str | None = None
    tag: str | None = None
    specialist: str | None = None
    cleared: float | None = None
    decided: float | None = None
    trace_context: TraceContext | None = None
