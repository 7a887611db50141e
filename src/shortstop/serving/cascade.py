"""The cascade: ask the planned targets in order, believe a local answer only after a check.

Commit point: the first byte of an answer leaves only after the check has passed, on an agreed
prefix of a stream or on the whole. Before it an escalation is invisible to the client; after it
there is none, and a failure is raised to the reader.

Whole answers and streams take the same way and differ only in how an answer is taken: at once
(`_WholeAnswer`), or held up to the commit point and then let flow (`_HeldStream`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from msgspec.structs import replace

from shortstop.errors import (
    Declined,
    PrivacyRefused,
    ShortstopError,
    TargetError,
    UpstreamRejected,
    UpstreamTimeout,
)
from shortstop.faults import contained
from shortstop.ports import AnswerCheck, Clock
from shortstop.serving import verify
from shortstop.serving.gather import Gathering
from shortstop.serving.models import Models
from shortstop.serving.second import Agree, second_opinion
from shortstop.tokens import estimated_usage
from shortstop.types import (
    Attempt,
    Check,
    Choice,
    Chunk,
    Clearance,
    Decision,
    Look,
    Outcome,
    Reply,
    Request,
    Signals,
    Target,
    Usage,
)

NOT_COUNTED = Usage(estimated=True)
"""Of an answer whose tokens could not even be estimated."""


@dataclass(slots=True)
class Asking:
    """One request under way through its plan.

    `attempts` is filled as things happen, also when the cascade raises; `delivered` gathers what
    a stream has handed to its reader.
    """

    request: Request
    clearance: Clearance
    decision: Decision
    attempts: list[Attempt] = field(default_factory=list)
    delivered: Gathering = field(default_factory=Gathering)


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


class Call:
    """One call to one target, from its start until it has become an `Attempt`."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self.target = target
        self._clock = clock
        self._started = clock.monotonic()
        self.first_byte: float | None = None
        self.signals: Signals | None = None
        self.checks: tuple[Check, ...] = ()
        self.attempt: Attempt | None = None

    def note_first_byte(self) -> None:
        if self.first_byte is None:
            self.first_byte = self._clock.monotonic() - self._started

    def end(
        self, outcome: Outcome, usage: Usage | None = None, error: BaseException | None = None
    ) -> Attempt:
        self.attempt = Attempt(
            target=self.target.name,
            local=self.target.local,
            outcome=outcome,
            seconds=self._clock.monotonic() - self._started,
            first_byte=self.first_byte,
            status=error.status if isinstance(error, ShortstopError) else None,
            error=_label(error),
            usage=usage,
            signals=self.signals,
            checks=self.checks,
        )
        return self.attempt


@dataclass(slots=True)
class _WholeAnswer:
    """An answer that is all there."""

    reply: Reply
    usage: Usage
    complete: bool = True

    @property
    def choice(self) -> Choice:
        return self.reply.choices[0]


@dataclass(slots=True)
class _HeldStream:
    """A stream read up to the commit point: `held` chunks wait, `source` has the rest."""

    request: Request
    source: AsyncGenerator[Chunk, None]
    held: list[Chunk] = field(default_factory=list)
    prefix: Gathering = field(default_factory=Gathering)

    @property
    def choice(self) -> Choice:
        return self.prefix.choice

    @property
    def complete(self) -> bool:
        return self.prefix.finished

    @property
    def usage(self) -> Usage:
        return _usage(self.request, self.prefix)

    async def hold(self, call: Call, commit_tokens: float) -> None:
        async for chunk in self.source:
            call.note_first_byte()
            self.held.append(chunk)
            self.prefix.add(chunk)
            if self.prefix.finished or self.prefix.tokens >= commit_tokens:
                break


TakenAnswer = _WholeAnswer | _HeldStream


class Cascade:
    """Runs a decision's plan. `agree` says how much two answers to a task agree, in [0, 1]."""

    def __init__(
        self,
        *,
        models: Models,
        check: AnswerCheck,
        agree: Agree,
        clock: Clock,
        commit_tokens: int = 16,
    ) -> None:
        self._models = models
        self._check = check
        self._agree = agree
        self._clock = clock
        self._commit_tokens = commit_tokens

    async def run(self, asking: Asking) -> Served:
        """The first good answer: whole, or a committed stream where the request asks for one.

        A stream's attempt is added when it ends or is closed. Raises TargetError from the last
        target asked, PrivacyRefused when nothing may be sent there.
        """
        draft: Served | None = None
        failure: ShortstopError | None = None
        names = asking.decision.plan
        for target in map(self._models.targets.__getitem__, names):
            call, last = Call(target, self._clock), target.name == names[-1]
            try:
                answer = await self._take(call, asking)
            except (TargetError, PrivacyRefused) as error:
                asking.attempts.append(call.end(_outcome(error), error=error))
                failure = _without_frames(error)
                if _final(target, error):
                    break
                continue
            good = not (target.local and asking.decision.verify)
            with contained("the look at an answer"):
                good = await self._convinces(call, asking, answer, last=last)
            if good or last:
                return self._serve(call, asking, answer, draft=not good)
            draft = draft or await self._reject(call, asking, answer)
        return _draft_or_raise(draft, failure)

    # ------------------------------------------------------------ taking an answer

    async def _take(self, call: Call, asking: Asking) -> TakenAnswer:
        """An answer that can be checked. A cancellation is on the books before it is passed on."""
        request = asking.request
        if request.stream:
            return await self._take_stream(call, asking)
        try:
            reply = await self._models.answer(call.target.name, request, asking.clearance)
        except asyncio.CancelledError:
            asking.attempts.append(call.end("cancelled", _estimated(request, None)))
            raise
        return _WholeAnswer(reply, reply.usage or _estimated(request, reply))

    async def _take_stream(self, call: Call, asking: Asking) -> _HeldStream:
        source = self._models.stream(call.target.name, asking.request, asking.clearance)
        answer = _HeldStream(asking.request, source)
        try:
            await answer.hold(call, self._commit_at(call.target, asking))
        except asyncio.CancelledError:
            asking.attempts.append(call.end("cancelled", answer.usage))
            await source.aclose()
            raise
        except BaseException:
            await source.aclose()
            raise
        return answer

    def _commit_at(self, target: Target, asking: Asking) -> float:
        """Tokens to read before committing. Structured answers are read whole."""
        if not target.local or not asking.decision.verify:
            return 0
        structured = asking.request.format.kind != "text" or asking.request.tools
        return float("inf") if structured else self._commit_tokens

    async def _flow(
        self, answer: _HeldStream, call: Call, asking: Asking
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
            usage = _usage(asking.request, delivered)
            asking.attempts.append(call.end(outcome, usage, failure))

    def _serve(self, call: Call, asking: Asking, answer: TakenAnswer, *, draft: bool) -> Served:
        if isinstance(answer, _HeldStream):
            chunks = self._flow(answer, call, asking)
            return Served(call, chunks=chunks, draft=draft, source=answer.source)
        asking.attempts.append(call.end("ok", answer.usage))
        return Served(call, reply=answer.reply, draft=draft)

    @staticmethod
    async def _reject(call: Call, asking: Asking, answer: TakenAnswer) -> Served | None:
        """On the books as rejected; a whole answer is kept in case nothing better can be had."""
        asking.attempts.append(call.end("rejected", answer.usage))
        if isinstance(answer, _HeldStream):
            with contained("closing a rejected stream"):
                await answer.source.aclose()
            return None
        return Served(call, reply=answer.reply, draft=True)

    # ------------------------------------------------------------ checking

    async def _convinces(
        self, call: Call, asking: Asking, answer: TakenAnswer, *, last: bool
    ) -> bool:
        good = self._accepted(call, asking, answer)
        if last or isinstance(answer, _HeldStream) or not self._wavers(call, asking, answer.choice):
            return good
        return await self._second_look(call, asking, answer)

    def _accepted(self, call: Call, asking: Asking, answer: TakenAnswer) -> bool:
        """Whether the answer may be kept; remote answers always are."""
        if not call.target.local:
            return True
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

    async def _second_look(self, call: Call, asking: Asking, answer: _WholeAnswer) -> bool:
        """Ask the same target once more; whether the first answer may be kept after that."""
        assert call.signals is not None
        ask, task = self._models.backends[call.target.name].answer, asking.decision.task
        agreement, usage = await second_opinion(
            ask, asking.request, answer.choice, task, self._agree
        )
        call.signals = replace(call.signals, agreement=agreement)
        if usage is not None:
            answer.usage += usage
        return self._check.accept(_look(call, asking, answer.choice.text))


def _look(call: Call, asking: Asking, text: str) -> Look:
    assert call.signals is not None
    return Look(asking.request, asking.decision, call.target.name, call.signals, text)


def _usage(request: Request, gathering: Gathering) -> Usage:
    if gathering.usage is not None:
        return gathering.usage
    with contained("gathering a stream"):
        return _estimated(request, gathering.reply("", ""))
    return NOT_COUNTED


def _estimated(request: Request, reply: Reply | None) -> Usage:
    with contained("the estimate of tokens"):
        return estimated_usage(request, reply)
    return NOT_COUNTED


def _without_frames(error: ShortstopError) -> ShortstopError:
    """To be raised later: the frames that it came through hold all that a target sent, and would
    be in a ring with it until the garbage collector comes by."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def _draft_or_raise(draft: Served | None, failure: ShortstopError | None) -> Served:
    """A draft that did not convince is better than no answer at all."""
    if draft is not None:
        return draft
    assert failure is not None, "a plan names at least one target"
    raise failure


def _final(target: Target, error: ShortstopError) -> bool:
    """Whether the error is about the request, so that another target would be no remedy."""
    return not target.local and isinstance(error, UpstreamRejected) and not error.retryable


def _outcome(error: ShortstopError) -> Outcome:
    if isinstance(error, PrivacyRefused | Declined):
        return "skipped"
    return "timeout" if isinstance(error, UpstreamTimeout) else "error"


def _label(error: BaseException | None) -> str | None:
    if error is None:
        return None
    return getattr(error, "code", None) or type(error).__name__
