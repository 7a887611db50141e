"""Shadow runs and audits: the side that did not answer is asked too, unseen, and compared.

The router says when and draws blindly; this runs what it drew, one at a time behind a bounded
queue, so that learning never takes more than one slot from those who wait. Every run is on the
books as its own row, with its cost and without a counterfactual.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import msgspec
from msgspec.structs import replace

from shortstop.dialects import describe
from shortstop.errors import ShortstopError
from shortstop.ports import Accountant, Clock, Recorder
from shortstop.serving import verify
from shortstop.serving.second import Agree, second_opinion, together
from shortstop.types import (
    Attempt,
    Bill,
    Choice,
    Clearance,
    Json,
    Reply,
    Request,
    Signals,
    Span,
    Target,
    ToolCall,
    Trace,
)

log = logging.getLogger(__name__)

WAITING = 32
"""Drawn runs that may wait; more are let go and counted."""

Ask = Callable[[str, Request, Clearance], Awaitable[Reply]]


class Compare(Protocol):
    """Learn that `local` was answered where the frontier answered `frontier`."""

    async def __call__(
        self, request: Request, trace: Trace, local: Side, frontier: Side
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Side:
    """One of two answers to the same request."""

    choice: Choice
    local: bool
    signals: Signals | None

    @property
    def text(self) -> str:
        """What is compared: the text, or the calls as JSON."""
        calls = [p for p in self.choice.parts if isinstance(p, ToolCall)]
        if not calls:
            return self.choice.text
        return msgspec.json.encode([[c.name, c.arguments] for c in calls]).decode()


@dataclass(frozen=True, slots=True)
class _ShadowRun:
    request: Request
    clearance: Clearance
    trace: Trace
    answered: Side


class Shadows:
    def __init__(
        self,
        *,
        targets: Mapping[str, Target],
        ask: Ask,
        compare: Compare,
        lose: Callable[[Trace], object],
        agree: Agree | None,
        books: Accountant,
        recorder: Recorder,
        clock: Clock,
        observers: Sequence[Callable[[Trace], None]] = (),
    ) -> None:
        self._targets = targets
        self._ask = ask
        self._compare = compare
        self._lose = lose
        self._agree = agree
        self._books = books
        self._recorder = recorder
        self._clock = clock
        self._observers = observers
        self._runs: asyncio.Queue[_ShadowRun] = asyncio.Queue(WAITING)
        self._worker: asyncio.Task[None] | None = None
        self.let_go = 0

    def offer(self, request: Request, clearance: Clearance, trace: Trace, answered: Side) -> None:
        """Queue the run that `trace.decision` drew; returns at once."""
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())
        try:
            self._runs.put_nowait(_ShadowRun(request, clearance, trace, answered))
        except asyncio.QueueFull:
            self.let_go += 1
            self._lose(trace)

    async def close(self) -> None:
        """What still waits is lost, and said to be."""
        if self._worker is not None:
            self._worker.cancel()
        while not self._runs.empty():
            self._lose(self._runs.get_nowait().trace)

    async def _work(self) -> None:
        while True:
            run = await self._runs.get()
            try:
                await self._one(run)
            except ShortstopError as error:
                log.info("a shadow run failed: %s", error.code)
                self._lose(run.trace)
            except Exception as error:  # learning must never stop the street
                log.error("a shadow run failed: %s", type(error).__name__)
                self._lose(run.trace)

    async def _one(self, run: _ShadowRun) -> None:
        assert run.trace.decision is not None
        assert run.trace.decision.shadow is not None
        target = self._targets[run.trace.decision.shadow]
        body = describe(run.request.dialect).unstreamed(run.request.body)
        request = replace(run.request, stream=False, body=body)
        started = self._clock.monotonic()
        reply = await self._ask(target.name, request, run.clearance)
        signals = verify.signals(reply.choices[0]) if target.local else None
        if signals is not None and self._agree is not None:
            reply, signals = await self._again(run, target.name, request, reply, signals)
        seconds = self._clock.monotonic() - started
        other = Side(reply.choices[0], target.local, signals)
        self._book(run, target, reply, seconds, signals)
        local, frontier = (other, run.answered) if target.local else (run.answered, other)
        await self._compare(run.request, run.trace, local, frontier)

    async def _again(
        self, run: _ShadowRun, target: str, request: Request, reply: Reply, signals: Signals
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

    def _book(
        self, run: _ShadowRun, target: Target, reply: Reply, seconds: float, signals: Signals | None
    ) -> None:
        attempt = Attempt(
            target.name, target.local, "ok", seconds, usage=reply.usage, signals=signals
        )
        bill = self._books.bill(run.request, (attempt,))
        row = learning_row(run.trace, "shadow", attempt, bill, run.trace.request, reply.choices)
        self._recorder.append(row)
        for observe in self._observers:
            observe(row)


def learning_row(
    trace: Trace,
    name: str,
    attempt: Attempt,
    bill: Bill,
    request: Json | None = None,
    response: tuple[Choice, ...] | None = None,
) -> Trace:
    """A call that was made to learn, beside the request of `trace`: a cost that saves nothing."""
    return replace(
        trace,
        id=f"{trace.id}-{name}",
        outcome="shadow",
        stream=False,
        target=attempt.target,
        local=attempt.local,
        seconds=attempt.seconds,
        first_byte=None,
        attempts=(attempt,),
        usage=attempt.usage,
        bill=replace(bill, counterfactual=Decimal(0), counterfactual_joules=Span()),
        request=request,
        response=response,
    )
