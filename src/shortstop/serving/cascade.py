"""The cascade: ask the planned targets in order, believe a local answer only after a check.

Commit point: the first byte of an answer leaves only after the check has passed, on an agreed
prefix of a stream or on the whole. Before it an escalation is invisible to the client; after it
there is none, and a failure is raised to the reader.

Whole answers and streams take the same way and differ only in how an answer is taken: at once
(`WholeAnswer`), or held up to the commit point and then let flow (`HeldStream`). Where a target
cannot answer, those that the operator has named for such an error are asked before the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from msgspec.structs import replace

from shortstop.errors import (
    Declined,
    PartlyAnswered,
    PrivacyRefused,
    ShortstopError,
    TargetError,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from shortstop.faults import contained, turned_into
from shortstop.ports import AnswerCheck, Clock, Instead
from shortstop.serving import verify
from shortstop.serving.call import Call
from shortstop.serving.completion import Complete, filled_in
from shortstop.serving.gather import Gathering
from shortstop.serving.itinerary import Itinerary
from shortstop.serving.models import Models
from shortstop.serving.second import SecondLook
from shortstop.serving.spent import counted, estimated, unanswered, usage_of_stream
from shortstop.serving.taken import HeldStream, TakenAnswer, WholeAnswer, is_filtered, streamed
from shortstop.types import (
    Attempt,
    Caller,
    Choice,
    Chunk,
    Clearance,
    Decision,
    Look,
    Outcome,
    Reach,
    Reply,
    Request,
    Target,
    Verified,
)

NOBODY = Caller()


@dataclass(slots=True)
class Asking:
    """One request under way through its plan.

    `attempts` is filled as things happen, also when the cascade raises; `delivered` gathers what
    a stream has handed to its reader. `began`: on the monotonic clock, in seconds. `fallbacks`: who
    may answer in place of whom.
    """

    request: Request
    clearance: Clearance
    decision: Decision
    attempts: list[Attempt] = field(default_factory=list)
    delivered: Gathering = field(default_factory=Gathering)
    caller: Caller = NOBODY
    began: float | None = None
    fallbacks: Instead | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """Who answered and what. Exactly one of `reply` and `chunks` is set.

    `draft` marks a local answer that did not convince and is served because nothing better
    could be had.
    """

    call: Call
    reply: Reply | None = None
    chunks: AsyncGenerator[Chunk, None] | None = None
    draft: bool = False
    source: AsyncGenerator[Chunk, None] | None = None
    """What `chunks` is read from: a generator that never began closes nothing."""

    async def drop(self) -> None:
        """Nobody will read the stream."""
        for chunks in (self.chunks, self.source):
            if chunks is not None:
                await chunks.aclose()

    @property
    def target(self) -> Target:
        return self.call.target

    @property
    def attempt(self) -> Attempt | None:
        """The attempt that is the answer; None while its stream flows."""
        return self.call.attempt


class Cascade:
    """Runs a decision's plan. `second` is how a doubtful answer is looked at;
    `complete` has another target fill in what a specialist left open."""

    def __init__(
        self,
        *,
        models: Models,
        check: AnswerCheck,
        second: SecondLook,
        clock: Clock,
        commit_tokens: int = 16,
        complete: Complete | None = None,
    ) -> None:
        self._models = models
        self._check = check
        self._second = second
        self._clock = clock
        self._commit_tokens = commit_tokens
        self._complete = complete

    async def run(self, asking: Asking) -> Served:
        """The first good answer: whole, or a committed stream where the request asks for one.

        A stream's attempt is added when it ends or is closed. Raises TargetError from the last
        target asked, PrivacyRefused when nothing may be sent there.
        """
        draft: Served | None = None
        failure: ShortstopError | None = None
        route = Itinerary(asking.decision.plan, self._fallbacks(asking))
        while (name := route.next()) is not None:
            target = self._models.targets[name]
            last = route.done
            limit = _limit(target, asking) if route.others else None
            call = Call(target, self._clock, asking.began, route.because(name), limit)
            try:
                answer = await self._taken(call, asking)
            except (TargetError, PrivacyRefused) as error:
                spent = call.spent or unanswered(target, asking.request, error)
                asking.attempts.append(call.end(_outcome(error), spent, error))
                if failure is None or not _is_aside(error, call):
                    failure = _without_frames(error)
                if _final(target, error):
                    route.cut()
                route.instead(name, error.failure if isinstance(error, TargetError) else None)
                continue
            if asking.fallbacks and _stopped(answer) and route.instead(name, "content_filter"):
                draft = draft or await self._reject(call, asking, answer)
                continue
            good = not (target.local and asking.decision.verify)
            if target.local:
                with contained("the look at an answer"):
                    good = await self._convinces(call, asking, answer, last=last)
            if good or last:
                return self._serve(call, asking, answer, draft=not good)
            rejected = await self._reject(call, asking, answer)
            if _cut_off(call, answer):
                route.again(name)
            else:
                draft = draft or rejected
        return _draft_or_raise(draft, failure)

    def _fallbacks(self, asking: Asking) -> Instead | None:
        """What is pinned leaves in nobody's place."""
        if not asking.fallbacks or asking.clearance.reach < Reach.LOCAL_ONLY:
            return asking.fallbacks
        targets = self._models.targets
        return {
            place: tuple([name for name in names if targets[name].local])
            for place, names in asking.fallbacks.items()
        }

    # ------------------------------------------------------------ taking an answer

    async def _taken(self, call: Call, asking: Asking) -> TakenAnswer:
        """An answer that can be checked, of which a remote target may have filled in fields."""
        try:
            return await self._take(call, asking)
        except PartlyAnswered as part:
            helper = self._helper(call.target, asking.decision)
            if helper is None or self._complete is None:
                raise
            other = Call(helper, self._clock, asking.began)
            return await self._completed(part, call, other, asking)

    def _helper(self, target: Target, decision: Decision) -> Target | None:
        """The first remote target behind this one in the plan."""
        behind = decision.plan[decision.plan.index(target.name) + 1 :]
        targets = (self._models.targets[name] for name in behind)
        return next((one for one in targets if not one.local), None)

    async def _completed(
        self, part: PartlyAnswered, call: Call, other: Call, asking: Asking
    ) -> TakenAnswer:
        """Both calls are on the books. Raises what was raised where nothing could be filled in."""
        assert self._complete is not None
        request, said = asking.request, None
        try:
            with turned_into("filling in single fields", _not_filled_in):
                asked, helper = other.sent(request), other.target.name
                said = await self._complete(asked, asking.caller, part.missing, helper)
                reply = filled_in(part, said)
        except (TargetError, PrivacyRefused) as error:
            spent = said.usage if said else unanswered(other.target, request, error)
            asking.attempts.append(other.end(_outcome(error), spent, error))
            raise part from None
        except asyncio.CancelledError:
            asking.attempts.append(other.end("cancelled"))
            raise
        asking.attempts.append(other.end("ok", said.usage))
        usage = estimated(request, reply)
        if not request.stream:
            return WholeAnswer(reply, usage)
        answer = HeldStream(request, streamed(replace(reply, usage=usage)))
        await answer.hold(call, float("inf"))
        return answer

    async def _take(self, call: Call, asking: Asking) -> TakenAnswer:
        """An answer that can be checked. A cancellation is on the books before it is passed on."""
        request = asking.request
        if request.stream:
            return await self._take_stream(call, asking)
        call.via.place = asking.caller.line
        try:
            reply = await self._models.answer(
                call.target.name, call.sent(request), asking.clearance, call.via
            )
        except asyncio.CancelledError:
            spent = None if call.via.waits else estimated(request, None)
            asking.attempts.append(call.end("cancelled", spent))
            raise
        return WholeAnswer(reply, counted(request, reply, ended=True))

    async def _take_stream(self, call: Call, asking: Asking) -> HeldStream:
        name, request = call.target.name, call.sent(asking.request)
        source = self._models.stream(name, request, asking.clearance, call.via)
        answer = HeldStream(asking.request, source)
        try:
            says = (name, "content_filter") in (asking.fallbacks or ())
            await answer.hold(call, self._commit_at(call.target, asking), says=says)
        except asyncio.CancelledError:
            asking.attempts.append(call.end("cancelled", answer.usage))
            await source.aclose()
            raise
        except BaseException:
            call.spent = answer.usage if answer.held else None
            await source.aclose()
            raise
        return answer

    def _commit_at(self, target: Target, asking: Asking) -> float:
        """Tokens to read before committing. Structured answers are read whole, and a specialist's,
        which is there at once."""
        if not target.local or not asking.decision.verify:
            return 0
        whole = _structured(asking.request) or target.specialist is not None
        return float("inf") if whole else self._commit_tokens

    async def _flow(
        self, answer: HeldStream, call: Call, asking: Asking
    ) -> AsyncGenerator[Chunk, None]:
        outcome: Outcome = "cancelled"
        failure: TargetError | None = None
        delivered, gathering = asking.delivered, contained("gathering a stream")
        try:
            async with aclosing(answer.source):
                for chunk in answer.held:
                    with gathering:
                        delivered.add(chunk)
                    yield chunk
                async for chunk in answer.source:
                    with gathering:
                        delivered.add(chunk)
                    yield chunk
            outcome = "ok"
        except TargetError as error:
            outcome, failure = _outcome(error), error
            raise
        finally:
            if call.target.local:
                with contained("the look at a stream"):
                    call.signals = verify.signals(delivered.choice)
            usage = usage_of_stream(asking.request, delivered)
            asking.attempts.append(call.end(outcome, usage, failure))

    def _serve(self, call: Call, asking: Asking, answer: TakenAnswer, *, draft: bool) -> Served:
        if isinstance(answer, HeldStream):
            chunks = self._flow(answer, call, asking)
            return Served(call, chunks=chunks, draft=draft, source=answer.source)
        asking.attempts.append(call.end("ok", answer.usage))
        return Served(call, reply=answer.reply, draft=draft)

    @staticmethod
    async def _reject(call: Call, asking: Asking, answer: TakenAnswer) -> Served | None:
        """On the books as rejected; a whole answer is kept in case nothing better can be had."""
        asking.attempts.append(call.end("rejected", answer.usage))
        if isinstance(answer, HeldStream):
            with contained("closing a rejected stream"):
                await answer.source.aclose()
            return None
        return Served(call, reply=answer.reply, draft=True)

    # ------------------------------------------------------------ checking

    async def _convinces(
        self, call: Call, asking: Asking, answer: TakenAnswer, *, last: bool
    ) -> bool:
        began = call.seconds()
        good = self._accepted(call, asking, answer)
        whole = not (last or isinstance(answer, HeldStream))
        if whole and self._wavers(call, asking, answer.choice):
            assert isinstance(answer, WholeAnswer)
            good = await self._second_look(call, asking, answer)
        call.verified = Verified(began, call.seconds())
        return good

    def _accepted(self, call: Call, asking: Asking, answer: TakenAnswer) -> bool:
        """Whether a local answer may be kept."""
        choice, request = answer.choice, asking.request
        call.signals = verify.signals(choice)
        call.checks = (
            verify.checks(request, choice) if answer.complete else verify.prefix_checks(choice)
        )
        if not asking.decision.verify:
            return True
        passed = all(check.passed for check in call.checks)
        text = choice.text if answer.complete else ""
        return passed and self._check.accept(_look(call, asking, text))

    def _wavers(self, call: Call, asking: Asking, choice: Choice) -> bool:
        """Whether a second answer could turn the verdict; a failed check is final."""
        if call.signals is None or not asking.decision.verify:
            return False
        if not all(check.passed for check in call.checks):
            return False
        return self._check.doubts(_look(call, asking, choice.text))

    async def _second_look(self, call: Call, asking: Asking, answer: WholeAnswer) -> bool:
        """Ask a local model once more; whether the first answer may be kept after that."""
        assert call.signals is not None
        opinion = await self._second.opinion(
            lambda name, request: self._models.backends[name].answer(request),
            call.target.name,
            asking.request,
            answer.choice,
            asking.decision.task,
        )
        call.signals = opinion.seen(call.signals)
        if opinion.usage is not None:
            answer.usage += opinion.usage
        return self._check.accept(_look(call, asking, answer.choice.text))


def _structured(request: Request) -> bool:
    return request.format.kind != "text" or bool(request.tools)


def _limit(target: Target, asking: Asking) -> int | None:
    """How long a local answer may become while others are left to ask: one of a shape that is read
    whole, to a client that set no limit. What is cut off there fails its check, and leaves for
    nobody: if the others fail, too, it is asked for once more without a limit."""
    if not (target.local and asking.decision.verify and _structured(asking.request)):
        return None
    return asking.decision.longest if asking.request.sampling.max_tokens is None else None


def _cut_off(call: Call, answer: TakenAnswer) -> bool:
    """By our own limit: of no use to anybody."""
    return call.limit is not None and answer.choice.finish == "length"


def _look(call: Call, asking: Asking, text: str) -> Look:
    assert call.signals is not None
    return Look(asking.request, asking.decision, call.target.name, call.signals, text)


def _without_frames(error: ShortstopError) -> ShortstopError:
    """To be raised later: the frames that it came through hold all that a target sent, and would
    be in a ring with it until the garbage collector comes by."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def _not_filled_in() -> ShortstopError:
    return UpstreamFailed("The fields that were left open could not be filled in.")


def _draft_or_raise(draft: Served | None, failure: ShortstopError | None) -> Served:
    """A draft that did not convince is better than no answer at all."""
    if draft is not None:
        return draft
    assert failure is not None, "a plan names at least one target"
    raise failure


def _stopped(answer: TakenAnswer) -> bool:
    """Whether its vendor's filter has ended the answer, as far as it was read."""
    with contained("the look for a filter"):
        return is_filtered(answer)
    return False


def _is_aside(error: ShortstopError, call: Call) -> bool:
    """Whether the client is told of an earlier error instead."""
    refused = isinstance(error, PrivacyRefused) and call.fallback is not None
    return refused or isinstance(error, Declined)


def _final(target: Target, error: ShortstopError) -> bool:
    """Whether the error is about the request, so that another target would be no remedy."""
    return not target.local and isinstance(error, UpstreamRejected) and not error.retryable


def _outcome(error: ShortstopError) -> Outcome:
    if isinstance(error, PrivacyRefused | Declined):
        return "skipped"
    return "timeout" if isinstance(error, UpstreamTimeout) else "error"
