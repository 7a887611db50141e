"""The cascade: ask the planned targets in order, believe a local answer only after a look.

Commit point: the first byte of an answer leaves only after the look has passed, on an agreed
prefix of a stream or on the whole. Before it an escalation is invisible to the client; after it
there is none, and a failure is raised to the reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from shortstop.errors import (
    PrivacyRefused,
    ShortstopError,
    TargetError,
    UpstreamRejected,
    UpstreamTimeout,
)
from shortstop.ports import Backend, Clock, Guard, Upstream
from shortstop.serving import verify
from shortstop.serving.gather import Gathering, estimated_usage
from shortstop.serving.second import Agree, second_opinion, together
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


class Looker(Protocol):
    """The router's second look: see `ports.Router`."""

    def accept(self, look: Look) -> bool: ...

    def doubts(self, look: Look) -> bool: ...


@dataclass(frozen=True, slots=True)
class Served:
    """Who answered and what. Exactly one of `reply` and `chunks` is set.

    `draft` marks a local answer that did not convince and is served because nothing better
    could be had.
    """

    target: Target
    reply: Reply | None = None
    chunks: AsyncGenerator[Chunk, None] | None = None
    draft: bool = False


class _Try:
    """One attempt while it lasts."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self.target = target
        self._clock = clock
        self._started = clock.monotonic()
        self.first_byte: float | None = None
        self.signals: Signals | None = None
        self.checks: tuple[Check, ...] = ()

    def saw_first_byte(self) -> None:
        if self.first_byte is None:
            self.first_byte = self._clock.monotonic() - self._started

    def ended(
        self, outcome: Outcome, usage: Usage | None = None, error: BaseException | None = None
    ) -> Attempt:
        return Attempt(
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


class Cascade:
    def __init__(
        self,
        *,
        targets: Mapping[str, Target],
        backends: Mapping[str, Backend],
        upstreams: Mapping[str, Upstream],
        guard: Guard,
        looker: Looker,
        agree: Agree,
        clock: Clock,
        commit_tokens: int = 16,
    ) -> None:
        self._targets = targets
        self._backends = backends
        self._upstreams = upstreams
        self._guard = guard
        self._looker = looker
        self._agree = agree
        self._clock = clock
        self._commit_tokens = commit_tokens

    async def answer(
        self,
        request: Request,
        clearance: Clearance,
        decision: Decision,
        attempts: list[Attempt],
    ) -> Served:
        """A whole answer from the first target that gives a good one.

        `attempts` is filled as things happen, also when this raises: TargetError from the last
        target asked, PrivacyRefused when nothing may be sent there.
        """
        draft: Served | None = None
        failure: ShortstopError | None = None
        for target, more in self._plan(decision):
            run = _Try(target, self._clock)
            try:
                reply = await self.ask(target.name, request, clearance)
            except asyncio.CancelledError:
                attempts.append(run.ended("cancelled", estimated_usage(request, None)))
                raise
            except (TargetError, PrivacyRefused) as error:
                attempts.append(run.ended(_outcome(error), error=error))
                failure = error
                if _final(target, error):
                    break
                continue
            usage = reply.usage or estimated_usage(request, reply)
            good = self._look(run, request, decision, reply.choices[0], whole=True)
            if more and self._wavers(run, request, decision, reply.choices[0]):
                good, usage = await self._look_twice(run, request, decision, reply, usage)
            attempts.append(run.ended("ok" if good or not more else "rejected", usage))
            served = Served(target, reply=reply, draft=not good)
            if good or not more:
                return served
            draft = draft or served
        return _draft_or_raise(draft, failure)

    async def stream(
        self,
        request: Request,
        clearance: Clearance,
        decision: Decision,
        attempts: list[Attempt],
        gathering: Gathering,
    ) -> Served:
        """A committed stream. Its attempt is added when the stream ends or is closed."""
        failure: ShortstopError | None = None
        for target, more in self._plan(decision):
            run, seen = _Try(target, self._clock), Gathering()
            source = self._open(target, request, clearance)
            try:
                held = await self._hold(source, seen, run, request, decision)
            except asyncio.CancelledError:
                attempts.append(run.ended("cancelled", self._used(request, seen)))
                await source.aclose()
                raise
            except (TargetError, PrivacyRefused) as error:
                attempts.append(run.ended(_outcome(error), error=error))
                failure = error
                if _final(target, error):
                    break
                continue
            good = self._look(run, request, decision, seen.choice, whole=seen.finished)
            if good or not more:
                flow = self._flow(held, source, seen, gathering, run, request, attempts)
                return Served(target, chunks=flow, draft=not good)
            attempts.append(run.ended("rejected", self._used(request, seen)))
            await source.aclose()
        return _draft_or_raise(None, failure)

    # ------------------------------------------------------------ asking

    def _plan(self, decision: Decision) -> list[tuple[Target, bool]]:
        """Targets in order, each with whether another one follows."""
        names = decision.plan
        return [(self._targets[n], i < len(names) - 1) for i, n in enumerate(names)]

    async def ask(self, name: str, request: Request, clearance: Clearance) -> Reply:
        """One target, whole. Raises TargetError or PrivacyRefused."""
        target = self._targets[name]
        if target.local:
            return await self._backends[target.name].answer(request)
        clearance = await self._guard.prepare(request, clearance)
        cleared = self._guard.release(request, clearance, target)
        reply = await self._upstreams[target.name].answer(cleared)
        return self._guard.restore(reply, cleared)

    async def _open(
        self, target: Target, request: Request, clearance: Clearance
    ) -> AsyncGenerator[Chunk, None]:
        if target.local:
            source = self._backends[target.name].stream(request)
        else:
            clearance = await self._guard.prepare(request, clearance)
            cleared = self._guard.release(request, clearance, target)
            answer = self._upstreams[target.name].stream(cleared)
            source = self._guard.restore_stream(answer, cleared)
        async with aclosing(source):
            async for chunk in source:
                yield chunk

    # ------------------------------------------------------------ looking

    def _look(
        self, run: _Try, request: Request, decision: Decision, choice: Choice, *, whole: bool
    ) -> bool:
        """Whether the answer may be kept; remote answers always are."""
        if not run.target.local:
            return True
        run.signals = verify.signals(choice)
        run.checks = verify.checks(request, choice) if whole else verify.prefix_checks(choice)
        if not decision.verify:
            return True
        passed = all(check.passed for check in run.checks)
        text = choice.text if whole else ""
        look = Look(request, decision, run.target.name, run.signals, text)
        return passed and self._looker.accept(look)

    def _wavers(self, run: _Try, request: Request, decision: Decision, choice: Choice) -> bool:
        """Whether a second answer could turn the verdict; a failed check is final."""
        if run.signals is None or not decision.verify or not all(c.passed for c in run.checks):
            return False
        look = Look(request, decision, run.target.name, run.signals, choice.text)
        return self._looker.doubts(look)

    async def _look_twice(
        self, run: _Try, request: Request, decision: Decision, reply: Reply, usage: Usage
    ) -> tuple[bool, Usage]:
        assert run.signals is not None
        choice, ask = reply.choices[0], self._backends[run.target.name].answer
        agreed, more = await second_opinion(ask, request, choice, decision.task, self._agree)
        run.signals = replace(run.signals, agreement=agreed)
        look = Look(request, decision, run.target.name, run.signals, choice.text)
        return self._looker.accept(look), together(usage, more) or usage

    async def _hold(
        self,
        source: AsyncGenerator[Chunk, None],
        seen: Gathering,
        run: _Try,
        request: Request,
        decision: Decision,
    ) -> list[Chunk]:
        """Read up to the commit point."""
        held: list[Chunk] = []
        enough = self._commit_at(run.target, request, decision)
        async for chunk in source:
            run.saw_first_byte()
            held.append(chunk)
            seen.add(chunk)
            if seen.finished or seen.tokens >= enough:
                break
        return held

    def _commit_at(self, target: Target, request: Request, decision: Decision) -> float:
        """Tokens to see before committing. Structured answers are seen whole."""
        if not target.local or not decision.verify:
            return 0
        structured = request.format.kind != "text" or request.tools
        return float("inf") if structured else self._commit_tokens

    async def _flow(
        self,
        held: list[Chunk],
        source: AsyncGenerator[Chunk, None],
        seen: Gathering,
        gathering: Gathering,
        run: _Try,
        request: Request,
        attempts: list[Attempt],
    ) -> AsyncGenerator[Chunk, None]:
        outcome: Outcome = "cancelled"
        failure: TargetError | None = None
        try:
            async with aclosing(source):
                for chunk in held:
                    gathering.add(chunk)
                    yield chunk
                async for chunk in source:
                    gathering.add(chunk)
                    yield chunk
            outcome = "ok"
        except TargetError as error:
            outcome, failure = _outcome(error), error
            raise
        finally:
            if run.target.local:
                run.signals = verify.signals(gathering.choice)
            attempts.append(run.ended(outcome, self._used(request, gathering), failure))

    @staticmethod
    def _used(request: Request, seen: Gathering) -> Usage:
        return seen.usage or estimated_usage(request, seen.reply("", ""))


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
    if isinstance(error, PrivacyRefused):
        return "skipped"
    return "timeout" if isinstance(error, UpstreamTimeout) else "error"


def _label(error: BaseException | None) -> str | None:
    if error is None:
        return None
    return getattr(error, "code", None) or type(error).__name__
