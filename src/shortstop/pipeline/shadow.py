"""Shadow runs and audits: targets that did not answer are asked too, unseen, and compared.

The router says when and draws blindly; this runs what it drew, one at a time behind a bounded queue
in which tenants take turns, so that learning never takes more than one slot from waiting clients,
and one tenant's runs never push out another's. Every answer is on the
books as a row of its own, with its cost and without a counterfactual.

The reference of a request is the answer of a remote target that serves (the frontier): the one that
was served, else the one that is asked unseen; where there is none, the answer that was served.
Every other answer is compared with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from shortstop.dialects import description_of
from shortstop.errors import ShortstopError
from shortstop.pipeline.learning_call import LearningCall
from shortstop.pipeline.record import Bookkeeping
from shortstop.pipeline.turns import Turns
from shortstop.serving import verify
from shortstop.serving.second import Agree, second_opinion, together
from shortstop.types import (
    Attempt,
    Choice,
    Clearance,
    Reply,
    Request,
    Signals,
    Target,
    ToolCall,
    Trace,
)

log = logging.getLogger(__name__)

MAX_WAITING = 32
"""Drawn runs that may wait; of more, some are given up and counted."""
T = TypeVar("T")

Ask = Callable[[str, Request, Clearance], Awaitable[Reply]]


class Compare(Protocol):
    """Learn how the candidate's answer compares with the reference's.

    `number` counts the pairs of one request from 0.
    """

    async def __call__(
        self, request: Request, trace: Trace, candidate: Side, reference: Side, number: int
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Side:
    """One target's answer to a request."""

    choice: Choice
    target: Target
    signals: Signals | None

    @property
    def text(self) -> str:
        """What is compared: the text, or the calls as JSON."""
        calls = [p for p in self.choice.parts if isinstance(p, ToolCall)]
        if not calls:
            return self.choice.text
        return msgspec.json.encode([[c.name, c.arguments] for c in calls]).decode()


@dataclass(frozen=True, slots=True)
class _Run:
    """What was drawn for one request: who answered, and which targets are asked unseen."""

    request: Request
    clearance: Clearance
    trace: Trace
    answered: Side
    asked: tuple[Target, ...]

    @property
    def reference(self) -> Target:
        if not self.answered.target.local:
            return self.answered.target
        remote = (target for target in self.asked if not target.local and target.serves)
        return next(remote, self.answered.target)

    @property
    def candidates(self) -> list[str]:
        names = [self.answered.target.name, *(target.name for target in self.asked)]
        return [name for name in names if name != self.reference.name]


class Shadows:
    """`lose` is called with the request's row and the candidate's name for each comparison that was
    drawn and comes to nothing; `dropped` counts the runs that were given up for others."""

    def __init__(
        self,
        *,
        targets: Mapping[str, Target],
        ask: Ask,
        compare: Compare,
        lose: Callable[[Trace, str], object],
        agree: Agree | None,
        books: Bookkeeping,
    ) -> None:
        self._targets = targets
        self._ask = ask
        self._compare = compare
        self._lose = lose
        self._agree = agree
        self._books = books
        self._runs = Turns[_Run](MAX_WAITING)
        self._worker: asyncio.Task[None] | None = None
        self.dropped = 0

    def offer(self, request: Request, clearance: Clearance, trace: Trace, answered: Side) -> None:
        """Queue what `trace.decision` drew, if it drew more than who answered; returns at once."""
        assert trace.decision is not None
        names = [name for name in trace.decision.shadow if name != answered.target.name]
        if not names:
            return
        asked = tuple(self._targets[name] for name in names)
        run = _Run(request, clearance, trace, answered, asked)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())
        given_up = self._runs.put(trace.tenant, run)
        if given_up is not None:
            self.dropped += 1
            self._lose_all(given_up)

    async def close(self) -> None:
        """What still runs or waits is lost, and reported as lost."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        for run in self._runs.drain():
            self._lose_all(run)

    def _lose_all(self, run: _Run) -> None:
        for name in run.candidates:
            self._lose(run.trace, name)

    async def _work(self) -> None:
        while True:
            run = await self._runs.get()
            try:
                await self._one(run)
            except BaseException:
                self._lose_all(run)
                raise

    async def _one(self, run: _Run) -> None:
        sides = {run.answered.target.name: run.answered}
        for number, target in enumerate(run.asked):
            side = await _tried(self._side(run, target, number))
            if side is not None:
                sides[target.name] = side
            elif target is run.reference:
                break
        reference = sides.get(run.reference.name)
        for number, name in enumerate(run.candidates):
            candidate = sides.get(name)
            compared = (
                reference is not None
                and candidate is not None
                and await _tried(self._compared(run, candidate, reference, number))
            )
            if not compared:
                self._lose(run.trace, name)

    async def _compared(self, run: _Run, candidate: Side, reference: Side, number: int) -> bool:
        await self._compare(run.request, run.trace, candidate, reference, number)
        return True

    async def _side(self, run: _Run, target: Target, number: int) -> Side:
        """The target's answer, booked. Raises ShortstopError."""
        body = description_of(run.request.dialect).unstreamed(run.request.body)
        request = replace(run.request, stream=False, body=body)
        name = "shadow" if number == 0 else f"shadow-{number + 1}"
        with LearningCall(self._books, run.trace, name, target, request) as call:
            started = self._books.clock.monotonic()
            reply, signals = await self._answer(run, target, request)
            seconds = self._books.clock.monotonic() - started
            attempt = Attempt(
                target.name, target.local, "ok", seconds, usage=reply.usage, signals=signals
            )
            call.keep(attempt, run.trace.request, reply.choices)
        return Side(reply.choices[0], target, signals)

    async def _answer(
        self, run: _Run, target: Target, request: Request
    ) -> tuple[Reply, Signals | None]:
        reply = await self._ask(target.name, request, run.clearance)
        signals = verify.signals(reply.choices[0]) if target.local else None
        if signals is not None and self._agree is not None:
            return await self._again(run, target.name, request, reply, signals)
        return reply, signals

    async def _again(
        self, run: _Run, target: str, request: Request, reply: Reply, signals: Signals
    ) -> tuple[Reply, Signals]:
        """A second local answer, for the router to learn what agreement is worth."""
        assert self._agree is not None
        assert run.trace.decision is not None

        async def ask(again: Request) -> Reply:
            return await self._ask(target, again, run.clearance)

        task, first = run.trace.decision.task, reply.choices[0]
        agreed, more = await second_opinion(ask, request, first, task, self._agree)
        usage = together(reply.usage, more)
        return replace(reply, usage=usage), replace(signals, agreement=agreed)


async def _tried(work: Awaitable[T]) -> T | None:
    """None where it failed: learning must never stop the street."""
    try:
        return await work
    except ShortstopError as error:
        log.info("a shadow run failed: %s", error.code)
    except Exception as error:
        log.error("a shadow run failed: %s", type(error).__name__)
    return None
