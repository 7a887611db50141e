"""A request's way through the house: guard -> route -> serve -> bill -> record.

What the client gets and what the books say are made from the same facts, and the row is kept
before the answer's last byte leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from shortstop.errors import PrivacyRefused, RequestError, ShortstopError, TargetRefused
from shortstop.pipeline.clearing import PATIENCE, Clearing
from shortstop.pipeline.shadow import Shadows, Side
from shortstop.ports import Accountant, Clock, Guard, Purser, Recorder, ReplyGuard, Router
from shortstop.serving.cascade import Cascade, Served
from shortstop.serving.gather import Gathering
from shortstop.types import (
    UNMETERED,
    Admission,
    Answer,
    Attempt,
    Bill,
    Caller,
    Chunk,
    Clearance,
    Decision,
    Json,
    Reach,
    Reply,
    Request,
    Target,
    Tier,
    Trace,
    TraceOutcome,
)

Observer = Callable[[Trace], None]


@dataclass(slots=True)
class _Facts:
    """What is known about one request so far; the trace is made from it."""

    request: Request
    caller: Caller
    admission: Admission
    at: float
    started: float
    clearance: Clearance
    decision: Decision | None = None
    attempts: list[Attempt] = field(default_factory=list)
    gathering: Gathering = field(default_factory=Gathering)
    target: Target | None = None
    reply: Reply | None = None


class Pipeline:
    """Everything between the door and the models. Built by `app`, replaced whole on reload."""

    def __init__(
        self,
        *,
        guard: Guard,
        router: Router,
        cascade: Cascade,
        books: Accountant,
        recorder: Recorder,
        clock: Clock,
        observers: Sequence[Observer] = (),
        shadows: Shadows | None = None,
        purser: Purser | None = None,
        replies: ReplyGuard | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._verdicts = Clearing(guard, patience)
        self._router = router
        self._cascade = cascade
        self._books = books
        self._recorder = recorder
        self._clock = clock
        self._observers = observers
        self._shadows = shadows
        self._purser = purser
        self._replies = replies

    async def answer(
        self, request: Request, caller: Caller, admission: Admission = UNMETERED
    ) -> Answer:
        """Answer whole or, if `request.stream`, with a committed stream.

        Raises ShortstopError when nothing could answer; the failure is on the books by then.
        Cancelling the call, or closing the stream, cancels the work at the model.
        """
        at, started = self._clock.time(), self._clock.monotonic()
        clearance = await self._verdicts.of(request, caller)
        facts = _Facts(request, caller, admission, at, started, clearance)
        try:
            facts.decision = self._router.decide(request, facts.clearance, caller)
            if self._purser is not None and caller.key is not None:
                self._purser.reserve(request, facts.decision, caller)
            served = await self._served(facts, facts.decision)
            answer = self._stream if request.stream else self._whole
            return answer(facts, facts.decision, served)
        except ShortstopError as error:
            self._record(facts, _failed(error), error)
            raise
        except BaseException:
            self._record(facts, "cancelled", None)
            raise

    async def _served(self, facts: _Facts, decision: Decision) -> Served:
        """What cannot be made safe to leave stays, and is decided again as such.

        Who names a target that the policy closes to everything is told so.
        """
        try:
            return await self._ask(facts, decision)
        except PrivacyRefused as refusal:
            named = isinstance(refusal, TargetRefused) and "explicit-model" in decision.reasons
            if named or facts.clearance.reach >= Reach.LOCAL_ONLY:
                raise
        reasons = (*facts.clearance.reasons, "not-released")
        facts.clearance = msgspec.structs.replace(
            facts.clearance, reach=Reach.LOCAL_ONLY, reasons=reasons
        )
        facts.decision = self._router.decide(facts.request, facts.clearance, facts.caller)
        return await self._ask(facts, facts.decision)

    async def _ask(self, facts: _Facts, decision: Decision) -> Served:
        request, clearance, attempts = facts.request, facts.clearance, facts.attempts
        if request.stream:
            return await self._cascade.stream(
                request, clearance, decision, attempts, facts.gathering
            )
        return await self._cascade.answer(request, clearance, decision, attempts)

    def _whole(self, facts: _Facts, decision: Decision, served: Served) -> Answer:
        reply = served.reply
        if self._replies is not None and reply is not None and self._replies.reads(facts.caller):
            reply = self._replies.whole(reply, facts.caller)
        facts.target, facts.reply = served.target, reply
        self._weigh(facts)
        trace = self._record(facts, "ok", None)
        return Answer(
            target=served.target.name,
            created=int(facts.at),
            headers=_explain(facts, decision, served) | _money(trace.bill),
            reply=reply,
        )

    def _stream(self, facts: _Facts, decision: Decision, served: Served) -> Answer:
        assert served.chunks is not None
        chunks, told = served.chunks, facts.gathering
        if self._replies is not None and self._replies.reads(facts.caller):
            told = Gathering()
            chunks = _gathered(self._replies.stream(chunks, facts.caller), told)
        facts.target = served.target
        self._recorder.open(self._trace(facts, "interrupted", 200, None))
        return Answer(
            target=served.target.name,
            created=int(facts.at),
            headers=_explain(facts, decision, served),
            chunks=self._recorded(chunks, facts, told),
        )

    async def _recorded(
        self, chunks: AsyncGenerator[Chunk, None], facts: _Facts, told: Gathering
    ) -> AsyncGenerator[Chunk, None]:
        """Pass the chunks on; put the row on the books before the reader sees the end."""
        outcome: TraceOutcome = "cancelled"
        failure: ShortstopError | None = None
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
            outcome = "ok"
        except ShortstopError as error:
            outcome, failure = "error", error
            raise
        finally:
            assert facts.target is not None
            facts.reply = told.reply(facts.request.id, facts.target.name)
            self._weigh(facts)
            self._record(facts, outcome, failure)

    def _weigh(self, facts: _Facts) -> None:
        """An answer that holds a secret is kept like a request that does."""
        clearance, reply = facts.clearance, facts.reply
        if self._replies is None or reply is None or clearance.tier >= Tier.S3:
            return
        if self._replies.tier(reply, facts.caller) >= Tier.S3:
            reasons = (*clearance.reasons, "answer-holds-S3")
            facts.clearance = msgspec.structs.replace(clearance, tier=Tier.S3, reasons=reasons)

    # ------------------------------------------------------------ the books

    def _record(self, facts: _Facts, outcome: TraceOutcome, error: ShortstopError | None) -> Trace:
        status = 200 if outcome == "ok" else error.status if error else 499
        trace = self._trace(facts, outcome, status, error)
        self._recorder.append(trace)
        for observe in self._observers:
            observe(trace)
        if self._purser is not None and facts.caller.key is not None:
            self._purser.settle(trace, facts.admission)
        if self._shadows is not None and trace.decision is not None and outcome == "ok":
            self._offer_shadow(self._shadows, facts, trace, trace.decision)
        return trace

    @staticmethod
    def _offer_shadow(shadows: Shadows, facts: _Facts, trace: Trace, decision: Decision) -> None:
        """The other side of the decision may answer too, unseen, and be compared."""
        if decision.shadow in (None, trace.target) or facts.reply is None:
            return
        signals = trace.attempts[-1].signals
        answered = Side(facts.reply.choices[0], local=trace.local, signals=signals)
        shadows.offer(facts.request, facts.clearance, trace, answered)

    def _trace(
        self, facts: _Facts, outcome: TraceOutcome, status: int, error: ShortstopError | None
    ) -> Trace:
        request, attempts = facts.request, tuple(facts.attempts)
        answered = attempts[-1] if attempts else None
        return Trace(
            id=request.id,
            at=facts.at,
            tenant=facts.caller.tenant,
            key=facts.caller.key,
            conversation=facts.caller.conversation,
            dialect=request.dialect,
            model=_model(facts),
            outcome=outcome,
            status=status,
            stream=request.stream,
            seconds=self._clock.monotonic() - facts.started,
            first_byte=answered.first_byte if answered else None,
            clearance=facts.clearance,
            decision=facts.decision,
            target=facts.target.name if facts.target else None,
            local=facts.target.local if facts.target else False,
            attempts=attempts,
            usage=answered.usage if answered else None,
            bill=self._books.bill(request, attempts),
            digest=_digest(request),
            request=request.body,
            response=_response(facts.reply),
            error=error.code if error else None,
        )


async def _gathered(
    chunks: AsyncGenerator[Chunk, None], told: Gathering
) -> AsyncGenerator[Chunk, None]:
    async with aclosing(chunks):
        async for chunk in chunks:
            told.add(chunk)
            yield chunk


def _model(facts: _Facts) -> str:
    """A name that nobody decided by may be anything at all."""
    known = facts.decision is not None or facts.clearance.tier < Tier.S2
    return facts.request.model if known else "unknown"


def _failed(error: ShortstopError) -> TraceOutcome:
    return "refused" if isinstance(error, RequestError) else "error"


def _digest(request: Request) -> str:
    """Fingerprint of what was asked: the same question by the same model name has the same."""
    asked = (request.model, request.messages, request.tools, request.format)
    return hashlib.blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()


def _response(reply: Reply | None) -> Json | None:
    if reply is None:
        return None
    return {"choices": msgspec.to_builtins(reply.choices)}


def _explain(facts: _Facts, decision: Decision, served: Served) -> dict[str, str]:
    """The `x-shortstop-*` headers: who answered and why."""
    why = ",".join((*decision.reasons, *(("draft",) if served.draft else ())))
    return {
        "x-shortstop-target": served.target.name,
        "x-shortstop-task": decision.task,
        "x-shortstop-decision": (
            f"{why};score={decision.score:.3f};threshold={decision.threshold:.3f}"
            f";p={decision.propensity:.4f};router={decision.router}"
        ),
        "x-shortstop-tier": facts.clearance.tier.name,
    }


def _money(bill: Bill | None) -> dict[str, str]:
    if bill is None:
        return {}
    return {"x-shortstop-cost": _usd(bill.cost), "x-shortstop-saved": _usd(bill.saved)}


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:.9f}"
