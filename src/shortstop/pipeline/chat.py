"""A chat request's way through the gateway: clear -> route -> serve -> bill -> record.

What the client gets and what the books say are made from the same facts, and the row is kept
before the answer's last byte leaves.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from msgspec.structs import replace

from shortstop import dialects
from shortstop.errors import (
    PrivacyRefused,
    QuotaExceeded,
    RequestError,
    ShortstopError,
    StoreUnavailable,
    TargetRefused,
)
from shortstop.faults import ContainedBlock, contained, turned_into
from shortstop.pipeline.cached import ReplyCache
from shortstop.pipeline.clearing import Clearing, is_long
from shortstop.pipeline.record import Bookkeeping, RequestRecord, outcome_of
from shortstop.pipeline.repeats import without_repeats
from shortstop.pipeline.shadow import Shadows, Side
from shortstop.ports import Instead, ReplyGuard, Router
from shortstop.routing import Fallbacks, UnlearnedRouter
from shortstop.serving.cascade import Asking, Cascade, Served
from shortstop.serving.gather import Gathering
from shortstop.types import (
    UNMETERED,
    Admission,
    Answer,
    Caller,
    Chunk,
    Clearance,
    Decision,
    Ending,
    Reach,
    Reply,
    Request,
    Target,
    Tier,
    Trace,
    TraceOutcome,
)


class Pipeline:
    """Everything between the server and the models. Built by `app`, replaced whole on reload."""

    def __init__(
        self,
        *,
        clearing: Clearing,
        router: Router,
        unlearned: UnlearnedRouter,
        cascade: Cascade,
        books: Bookkeeping,
        replies: ReplyGuard | None = None,
        shadows: Shadows | None = None,
    ) -> None:
        self._clearing = clearing
        self._router = router
        self._unlearned = unlearned
        self._cascade = cascade
        self._books = books
        self._replies = replies
        self._shadows = shadows
        self.cache: ReplyCache | None = None
        """Answers that may be given again."""
        self.fallbacks: Fallbacks | None = None
        """Who answers in place of a model that cannot."""

    async def answer(
        self, request: Request, caller: Caller, admission: Admission = UNMETERED
    ) -> Answer:
        """Answer whole or, if `request.stream`, with a committed stream.

        Raises ShortstopError when nothing could answer; the failure is on the books by then.
        Cancelling the call, or closing the stream, cancels the work at the model.
        """
        record = self._books.begin(request, caller, admission)
        answer = await self._answered(record)
        await self._left(record)
        return answer

    async def _answered(self, record: RequestRecord) -> Answer:
        try:
            await self._books.enter(record)
            record.clearance = await self._clearing.clear(record.request, record.caller)
            self._books.note_cleared(record)
            if self.cache is not None and (again := self._again(record, self.cache)):
                return await self._handed_on(record, *again)
            decision = record.decision = await self._reserved(record, self._decided(record))
            self._books.note_decided(record)
            served, asking = await self._served(record, decision)
            return await self._handed_on(record, served, asking)
        except ShortstopError as error:
            self._close(record, outcome_of(error), error)
            await self._clearing.settled(record.caller)
            raise
        except BaseException:
            self._close(record, "cancelled", None)
            raise

    async def _left(self, record: RequestRecord) -> None:
        """The client's next step, which may come at once, finds what this one has left."""
        if record.left is not None:
            await record.left
        await self._clearing.settled(record.caller)

    @staticmethod
    def _again(record: RequestRecord, cache: ReplyCache) -> tuple[Served, Asking] | None:
        """What was answered to the same question before."""
        with contained("looking for an earlier answer"):
            key = record.cache_key = cache.key(record)
            return None if key is None else cache.again(key, record)
        return None

    def _keep(self, record: RequestRecord, answer: Answer) -> None:
        """For whoever asks the same. Not who stood in: the model that was meant may be back."""
        ending, key = answer.ending, record.cache_key
        if self.cache is None or key is None or ending is None or answer.draft:
            return
        if record.answered is not None and record.answered.fallback:
            return
        with contained("keeping an answer for others"):
            self.cache.keep(key, record, ending.reply, ending.tier)

    def _decided(self, record: RequestRecord) -> Decision:
        """The router's decision; without a router, what is possible. Raises RequestError."""
        asked = record.request, record.clearance, record.caller
        with contained("the router's decision", (RequestError,)):
            return _gone_on(self._router.decide(*asked), record.caller)
        return self._unlearned.decide(*asked)

    async def _reserved(self, record: RequestRecord, decision: Decision) -> Decision:
        """With money set aside or, where the budget cannot be read, what needs none.

        Raises QuotaExceeded, and StoreUnavailable where nothing is free of charge.
        """
        seam = ContainedBlock("setting money aside", (RequestError,))
        with seam:
            if self.fallbacks is None or not await self._reserved_for_all(
                record, decision, self.fallbacks
            ):
                await self._books.reserve(record, decision)
            return decision
        unpaid = self._unlearned.unpaid(decision)
        if unpaid is None:
            raise StoreUnavailable(
                "What is left of this key's budget cannot be read now.",
                hint="Retry in a moment, or ask a local model.",
                code=seam.code,
                retry_after=1.0,
            )
        return unpaid

    async def _reserved_for_all(
        self, record: RequestRecord, decision: Decision, fallbacks: Fallbacks
    ) -> bool:
        """Whether money is set aside for those, too, who may answer in place of the plan's targets:
        only then do they."""
        instead: Instead = {}
        with contained("finding who may stand in"):
            instead = fallbacks.of(decision.plan, record.request, record.caller)
        if not instead:
            return False
        names = (name for names in instead.values() for name in names)
        try:
            await self._books.reserve(record, replace(decision, plan=(*decision.plan, *names)))
        except QuotaExceeded:
            record.fallbacks = fallbacks.unpaid(instead)
            return False
        record.fallbacks = instead
        return True

    async def _served(self, record: RequestRecord, decision: Decision) -> tuple[Served, Asking]:
        """What cannot be made safe to leave stays, and is decided again as such.

        A client that names a target which the policy closes to everything gets the refusal.
        """
        try:
            return await self._ask(record, decision)
        except PrivacyRefused as refusal:
            named = isinstance(refusal, TargetRefused) and "explicit-model" in decision.reasons
            if named or record.clearance.reach >= Reach.LOCAL_ONLY:
                raise
        record.clearance = _kept_local(record.clearance)
        record.decision = self._decided(record)
        return await self._ask(record, record.decision)

    async def _ask(self, record: RequestRecord, decision: Decision) -> tuple[Served, Asking]:
        asking = Asking(
            record.request,
            record.clearance,
            decision,
            record.attempts,
            caller=record.caller,
            began=record.began,
            fallbacks=record.fallbacks,
        )
        return await self._cascade.run(asking), asking

    # ------------------------------------------------------------ handing on

    async def _handed_on(self, record: RequestRecord, served: Served, asking: Asking) -> Answer:
        try:
            with turned_into("privacy's look at an answer", _not_read):
                guard = self._replies
                if guard is not None and not guard.reads(record.caller):
                    guard = None
                if record.request.stream:
                    return self._stream(record, served, asking, guard)
                return await self._whole(record, served, asking, guard)
        except BaseException:
            await served.drop()
            raise

    async def _whole(
        self, record: RequestRecord, served: Served, asking: Asking, guard: ReplyGuard | None
    ) -> Answer:
        reply = served.reply
        assert reply is not None
        if record.step is not None:
            reply = record.step.spared(reply)
        if guard is not None:
            reply = guard.whole(reply, record.caller)
        record.target, record.answered, record.reply = served.target, served.attempt, reply
        answer = _answer(record, served, asking)
        await self._read(record, reply)
        ending = Ending(reply, record.clearance.tier)
        answer.bill = self._close(record, "ok", None).bill
        answer.clearance, answer.reply, answer.ending = record.clearance, reply, ending
        self._keep(record, answer)
        return answer

    def _stream(
        self, record: RequestRecord, served: Served, asking: Asking, guard: ReplyGuard | None
    ) -> Answer:
        assert served.chunks is not None
        chunks, delivered = served.chunks, asking.delivered
        watched = record.step is not None and record.step.used_up
        if record.step is not None and watched:
            chunks = without_repeats(chunks, record.step)
        if guard is not None:
            chunks = guard.stream(chunks, record.caller)
        if watched or guard is not None:
            delivered = Gathering()
            chunks = _gathered(chunks, delivered)
        record.target = served.target
        self._books.open(record)
        answer = _answer(record, served, asking)
        answer.chunks = self._recorded(chunks, record, served, delivered, answer)
        return answer

    async def _recorded(
        self,
        chunks: AsyncGenerator[Chunk, None],
        record: RequestRecord,
        served: Served,
        delivered: Gathering,
        answer: Answer,
    ) -> AsyncGenerator[Chunk, None]:
        """Pass the chunks on; put the row on the books before the reader sees the end."""
        outcome: TraceOutcome = "cancelled"
        failure: ShortstopError | None = None
        read = False
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
            await self._read(record, delivered.reply(record.request.id, served.target.name))
            outcome, read = "ok", True
        except ShortstopError as error:
            outcome, failure = outcome_of(error), error
            await self._clearing.settled(record.caller)
            raise
        finally:
            record.answered = served.attempt
            with contained("gathering a stream"):
                reply = record.reply = delivered.reply(record.request.id, served.target.name)
                if not read:
                    self._glance(record, reply)
                if outcome == "ok":
                    answer.ending = Ending(reply, record.clearance.tier)
                    self._keep(record, answer)
            self._close(record, outcome, failure)
        await self._left(record)

    async def _read(self, record: RequestRecord, reply: Reply) -> None:
        """An answer that holds a secret is kept like a request that does: not at all."""
        if self._replies is None or record.clearance.tier >= Tier.S3:
            return
        judge, tier = partial(self._replies.tier, reply, record.caller), Tier.S3
        with contained("privacy's look at an answer"):
            tier = await self._clearing.tier_of(reply, judge, record.request.party)
        if tier >= Tier.S3:
            record.raise_tier(Tier.S3, "answer-holds-S3")

    def _glance(self, record: RequestRecord, reply: Reply) -> None:
        """The same for an answer that broke off, which nobody can wait for: a long one counts as if
        it held a secret."""
        if self._replies is None or record.clearance.tier >= Tier.S3:
            return
        tier = Tier.S3
        with contained("privacy's look at an answer"):
            if not is_long(reply):
                tier = self._replies.tier(reply, record.caller)
        if tier >= Tier.S3:
            record.raise_tier(Tier.S3, "answer-unread" if is_long(reply) else "answer-holds-S3")

    # ------------------------------------------------------------ the books

    def _close(
        self, record: RequestRecord, outcome: TraceOutcome, error: ShortstopError | None
    ) -> Trace:
        trace = self._books.close(record, outcome, error)
        if self._shadows is not None and outcome == "ok":
            with contained("offering a shadow run"):
                self._offer_shadow(self._shadows, record, trace)
        return trace

    @staticmethod
    def _offer_shadow(shadows: Shadows, record: RequestRecord, trace: Trace) -> None:
        """Targets that did not answer may be asked too, unseen, and compared. Who stood in for
        another is no yardstick."""
        decision, reply, answered = record.decision, record.reply, record.answered
        if decision is None or reply is None or record.target is None or trace.run_refusal:
            return
        if answered is not None and answered.fallback:
            return
        signals = answered.signals if answered else None
        side = Side(reply.choices[0], record.target, signals)
        shadows.offer(record.request, record.clearance, trace, side)


def _gone_on(decision: Decision, caller: Caller) -> Decision:
    """A line that was sent in a vendor's batch before a restart is answered from there first."""
    target = caller.line.target if caller.line is not None else None
    if target not in decision.plan[1:]:
        return decision
    others = tuple([name for name in decision.plan if name != target])
    reasons = (*decision.reasons, "vendor-batch")
    return replace(decision, plan=(target, *others), reasons=reasons)


def _not_read() -> PrivacyRefused:
    return PrivacyRefused("The answer could not be read for what it may tell, so it is kept back.")


def _answer(record: RequestRecord, served: Served, asking: Asking) -> Answer:
    return Answer(
        target=served.target.name,
        created=int(record.at),
        decision=asking.decision,
        clearance=record.clearance,
        draft=served.draft,
        dropped=_dropped(record.request, served.target),
        run=record.caller.run,
        specialist=served.target.name if served.target.specialist is not None else None,
    )


def _dropped(request: Request, target: Target) -> tuple[str, ...]:
    """What the target was not told, for it has no words for it; it changes no question."""
    with contained("naming what was dropped"):
        return dialects.lost(request, target.dialect) if target.dialect else ()
    return ()


def _kept_local(clearance: Clearance) -> Clearance:
    reasons = (*clearance.reasons, "not-released")
    return replace(clearance, reach=Reach.LOCAL_ONLY, reasons=reasons)


async def _gathered(
    chunks: AsyncGenerator[Chunk, None], gathering: Gathering
) -> AsyncGenerator[Chunk, None]:
    """Raises PrivacyRefused for whatever breaks: what is gathered here has been read by privacy."""
    async with aclosing(chunks):
        with turned_into("privacy's look at an answer", _not_read):
            async for chunk in chunks:
                gathering.add(chunk)
                yield chunk
