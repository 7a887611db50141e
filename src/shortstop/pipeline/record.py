"""The row of a request: made from what is known, billed, kept, and shown to the observers."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from shortstop.errors import RequestError, ShortstopError
from shortstop.faults import contained
from shortstop.pipeline.clearing import NOT_CLEARED
from shortstop.ports import Accountant, Clock, Instead, Observer, Purser, Recorder
from shortstop.runs import RunBook, RunOver, RunStep
from shortstop.types import (
    UNMETERED,
    Admission,
    Attempt,
    Bill,
    Caller,
    Clearance,
    Decision,
    Reply,
    Request,
    RunRefusal,
    Target,
    Tier,
    Trace,
    TraceContext,
    TraceOutcome,
)

NOT_BILLED = Bill(None, Decimal(0), None, None, None)
"""Of a request whose cost could not be worked out: unknown, not nothing."""


Join = Callable[[Caller], TraceContext]


@dataclass(slots=True)
class RequestRecord:
    """What is known about one request so far. `began` is on the monotonic clock, in seconds.

    `answered` is the attempt that is the answer, which need not be the last one. `step` is the
    request as a step of a run; `run_refusal` why it may be none.
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
    fallbacks: Instead | None = None
    cache_key: bytes | None = None
    step: RunStep | None = None
    run_refusal: RunRefusal | None = None
    surface: str | None = None
    """What the row calls the dialect, where it is not the request's own."""
    cleared: float | None = None
    decided: float | None = None
    """When the verdict and the decision were there; on the monotonic clock, like `began`."""
    left: Awaitable[None] | None = None
    """What ends when the step's end is kept."""

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
        runs: RunBook | None = None,
    ) -> None:
        self._accountant = accountant
        self._recorder = recorder
        self.clock = clock
        self._observers = observers
        self._purser = purser
        self._runs = runs
        self.join: Join | None = None
        """How a request joins its client's trace; None: there is no tracing."""

    def begin(
        self,
        request: Request,
        caller: Caller,
        admission: Admission = UNMETERED,
        surface: str | None = None,
    ) -> RequestRecord:
        at, began = self.clock.time(), self.clock.monotonic()
        if self.join is not None:
            with contained("joining a trace"):
                request = replace(request, trace_context=self.join(caller))
        return RequestRecord(request, caller, admission, at, began, surface=surface)

    async def enter(self, record: RequestRecord) -> None:
        """Recognise the run that the request is a step of. Where that fails it is part of none.

        Raises RunOver where its run may take no further step.
        """
        if self._runs is None:
            return
        try:
            with contained("recognising a run", (RunOver,)):
                step = record.step = await self._runs.entered(record.request, record.caller)
                if step is not None:
                    record.caller = replace(record.caller, run=step.run)
        except RunOver as over:
            record.run_refusal = over.refusal
            record.caller = replace(record.caller, run=over.run)
            raise

    def note_cleared(self, record: RequestRecord) -> None:
        record.cleared = self.clock.monotonic()

    def note_decided(self, record: RequestRecord) -> None:
        record.decided = self.clock.monotonic()

    def _leave(self, record: RequestRecord, trace: Trace) -> None:
        if self._runs is not None and record.step is not None:
            with contained("the end of a run's step"):
                answered = record.reply if trace.outcome == "ok" else None
                cost = trace.bill.cost if trace.bill else None
                record.left = self._runs.left(record.step, answered, cost)

    async def reserve(self, record: RequestRecord, decision: Decision) -> None:
        """Set aside what the decision's plan can cost. Raises QuotaExceeded."""
        if record.caller.key is not None:
            await self.set_aside(record.request, decision.plan, record.caller)

    async def set_aside(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        """Raises QuotaExceeded."""
        if self._purser is not None:
            await self._purser.reserve(request, plan, caller)

    def charge(self, trace: Trace, admission: Admission) -> None:
        """Book what was set aside as what it really took. Never raises."""
        if self._purser is not None:
            with contained("settling"):
                self._purser.settle(trace, admission)

    def bill(
        self, request: Request, attempts: Iterable[Attempt], answered: Attempt | None = None
    ) -> Bill:
        """Costs of all `attempts`; the counterfactual is about the one that `answered`. Unknown
        where they cannot be worked out."""
        with contained("the bill"):
            return self._accountant.bill(request, attempts, answered)
        return NOT_BILLED

    def open(self, record: RequestRecord) -> None:
        """A stream begins to leave: its row is kept even if this process dies. Never raises."""
        with contained("opening a row"):
            self._recorder.open(self._trace(record, "interrupted", 200, None))

    def close(
        self, record: RequestRecord, outcome: TraceOutcome, error: ShortstopError | None = None
    ) -> Trace:
        """The request is over: keep its row. What breaks here harms no answer."""
        status = 200 if outcome == "ok" else error.status if error else 499
        trace = self._trace(record, outcome, status, error)
        self._leave(record, trace)
        self.keep(trace)
        self.charge(trace, record.admission)
        return trace

    def keep(self, trace: Trace) -> None:
        with contained("keeping a row"):
            self._recorder.append(trace)
        for observe in self._observers:
            with contained("an observer of rows"):
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
            run=caller.run,
            user=caller.user,
            tag=caller.tag,
            specialist=target.name if target is not None and target.specialist else None,
            run_refusal=record.step.refusal if record.step else record.run_refusal,
            cleared=_after(record.began, record.cleared),
            decided=_after(record.began, record.decided),
            trace_context=request.trace_context,
        )


def _after(began: float, moment: float | None) -> float | None:
    return None if moment is None else moment - began


def outcome_of(error: ShortstopError) -> TraceOutcome:
    return "refused" if isinstance(error, RequestError) else "error"


def _recorded_model(record: RequestRecord) -> str:
    """Until routing accepts it, the model name is unvalidated input and may hold a value."""
    validated = record.decision is not None or record.clearance.tier < Tier.S2
    return record.request.model if validated else "unknown"


def _digest(request: Request) -> str:
    """Fingerprint of what was asked: the same question by the same model name has the same; "" of
    what cannot be written."""
    asked = (request.model, request.messages, request.tools, request.format)
    with contained("the digest of a request"):
        return hashlib.blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()
    return ""
