"""The row of a request: made from what is known, billed, kept, and shown to the observers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from shortstop.errors import RequestError, ShortstopError
from shortstop.ports import Accountant, Clock, Observer, Purser, Recorder
from shortstop.types import (
    UNMETERED,
    Admission,
    Attempt,
    Bill,
    Caller,
    Clearance,
    Decision,
    Reach,
    Reply,
    Request,
    Target,
    Tier,
    Trace,
    TraceOutcome,
)

NOT_CLEARED = Clearance(Tier.S3, Reach.LOCAL_ONLY, reasons=("not-judged",))
"""Of a request that was cancelled before privacy had judged it."""


@dataclass(slots=True)
class RequestRecord:
    """What is known about one request so far. `began` is on the monotonic clock, in seconds.

    `answered` is the attempt that is the answer, which need not be the last one.
    """

    request: Request
    caller: Caller
    admission: Admission
    at: float
    began: float
    clearance: Clearance = NOT_CLEARED
    decision: Decision | None = None
    attempts: list[Attempt] = field(default_factory=list)
    answered: Attempt | None = None
    target: Target | None = None
    reply: Reply | None = None
    surface: str | None = None
    """What the row calls the dialect, where it is not the request's own."""

    def raise_tier(self, tier: Tier, reason: str) -> None:
        """The answer is more sensitive than the request was."""
        reasons = (*self.clearance.reasons, reason)
        self.clearance = replace(self.clearance, tier=tier, reasons=reasons)


class Bookkeeping:
    """Reserves and settles money, bills requests, keeps their rows, and tells the observers."""

    def __init__(
        self,
        accountant: Accountant,
        recorder: Recorder,
        clock: Clock,
        observers: Sequence[Observer] = (),
        purser: Purser | None = None,
    ) -> None:
        self._accountant = accountant
        self._recorder = recorder
        self.clock = clock
        self._observers = observers
        self._purser = purser

    def begin(
        self,
        request: Request,
        caller: Caller,
        admission: Admission = UNMETERED,
        surface: str | None = None,
    ) -> RequestRecord:
        at, began = self.clock.time(), self.clock.monotonic()
        return RequestRecord(request, caller, admission, at, began, surface=surface)

    def reserve(self, record: RequestRecord, decision: Decision) -> None:
        """Set aside what the decision's plan can cost. Raises QuotaExceeded."""
        if record.caller.key is not None:
            self.set_aside(record.request, decision.plan, record.caller)

    def set_aside(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        """Raises QuotaExceeded."""
        if self._purser is not None:
            self._purser.reserve(request, plan, caller)

    def charge(self, trace: Trace, admission: Admission) -> None:
        """Book what was set aside as what it really took."""
        if self._purser is not None:
            self._purser.settle(trace, admission)

    def bill(
        self, request: Request, attempts: Iterable[Attempt], answered: Attempt | None = None
    ) -> Bill:
        """Costs of all `attempts`; the counterfactual is about the one that `answered`."""
        return self._accountant.bill(request, attempts, answered)

    def open(self, record: RequestRecord) -> None:
        """A stream begins to leave: its row is kept even if this process dies."""
        self._recorder.open(self._trace(record, "interrupted", 200, None))

    def close(
        self, record: RequestRecord, outcome: TraceOutcome, error: ShortstopError | None = None
    ) -> Trace:
        """The request is over: keep its row."""
        status = 200 if outcome == "ok" else error.status if error else 499
        trace = self._trace(record, outcome, status, error)
        self.keep(trace)
        self.charge(trace, record.admission)
        return trace

    def keep(self, trace: Trace) -> None:
        self._recorder.append(trace)
        for observe in self._observers:
            observe(trace)

    def _trace(
        self,
        record: RequestRecord,
        outcome: TraceOutcome,
        status: int,
        error: ShortstopError | None,
    ) -> Trace:
        request, caller, target = record.request, record.caller, record.target
        attempts, answered = tuple(record.attempts), record.answered
        return Trace(
            id=request.id,
            at=record.at,
            tenant=caller.tenant,
            key=caller.key,
            conversation=caller.conversation,
            dialect=record.surface or request.dialect,
            model=_recorded_model(record),
            outcome=outcome,
            status=status,
            stream=request.stream,
            seconds=self.clock.monotonic() - record.began,
            first_byte=answered.first_byte if answered else None,
            clearance=record.clearance.recorded(),
            decision=record.decision,
            target=target.name if target else None,
            local=target.local if target else False,
            attempts=attempts,
            usage=answered.usage if answered else None,
            bill=self.bill(request, attempts, answered),
            digest=_digest(request),
            request=request.body,
            response=record.reply.choices if record.reply else None,
            error=error.code if error else None,
        )


def outcome_of(error: ShortstopError) -> TraceOutcome:
    return "refused" if isinstance(error, RequestError) else "error"


def _recorded_model(record: RequestRecord) -> str:
    """Until routing accepts it, the model name is unvalidated input and may hold a value."""
    validated = record.decision is not None or record.clearance.tier < Tier.S2
    return record.request.model if validated else "unknown"


def _digest(request: Request) -> str:
    """Fingerprint of what was asked: the same question by the same model name has the same."""
    asked = (request.model, request.messages, request.tools, request.format)
    return hashlib.blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()
