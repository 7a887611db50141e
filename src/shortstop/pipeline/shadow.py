"""Shadow runs and audits: targets that did not answer are asked too, unseen, and compared.

The router says when and draws blindly; this runs what it drew behind bounded queues in which
tenants take turns, so that one tenant's runs never push out another's. There are two lanes. General
local models are asked one at a time, so that learning never takes more than one slot from waiting
clients. Whoever takes no slot, specialists and remote models, has a lane of its own: a specialist
that answers in milliseconds does not wait behind a model that takes seconds. Every answer is on the
books as a row of its own, with its cost and without a counterfactual.

The reference of a request is the answer of a remote target that serves (the frontier): the one that
was served, else the one that is asked unseen; where there is none, the answer that was served.
Every other answer is compared with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from msgspec.structs import replace

from shortstop.dialects import description_of
from shortstop.errors import PartlyAnswered, ShortstopError
from shortstop.faults import contained
from shortstop.pipeline.learning_call import LearningCall
from shortstop.pipeline.record import Bookkeeping
from shortstop.pipeline.turns import Turns
from shortstop.serving import verify
from shortstop.serving.comparable import comparable, completed_by
from shortstop.serving.second import SecondLook, together
from shortstop.tokens import estimated_usage
from shortstop.types import (
    Attempt,
    Choice,
    Clearance,
    Decision,
    Reply,
    Request,
    Signals,
    Target,
    Trace,
)

log = logging.getLogger(__name__)

MAX_WAITING = 32
"""Drawn runs that may wait in a lane; of more, some are given up and counted."""
QUICK = 4
"""Runs under way at a time in the lane of those that take no slot."""
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
    """One target's answer to a request. `missing` are the fields that a specialist has left to
    the reference."""

    choice: Choice
    target: Target
    signals: Signals | None
    missing: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is compared."""
        return comparable(self.choice)

    def filled_in(self, reference: Side) -> Side | None:
        """What a client would get of it; None where the reference lacks what is missing."""
        if not self.missing:
            return self
        choice = completed_by(self.choice, self.missing, reference.choice)
        return None if choice is None else Side(choice, self.target, self.signals)


@dataclass(frozen=True, slots=True)
class _Run:
    """What was drawn for one request: who answered, and which targets are asked unseen. `sides`
    are the answers so far, by target; `settled` the candidates that were compared or lost."""

    request: Request
    clearance: Clearance
    trace: Trace
    answered: Side
    asked: tuple[Target, ...]
    sides: dict[str, Side]
    settled: set[str] = field(default_factory=set)

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

    @property
    def quick(self) -> bool:
        """Whether somebody is asked who takes no slot."""
        return not all(map(takes_slot, self.asked))


def takes_slot(target: Target) -> bool:
    """Whether a model generates on this machine to answer."""
    return target.local and target.specialist is None


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
        second: SecondLook | None,
        books: Bookkeeping,
    ) -> None:
        self._targets = targets
        self._ask = ask
        self._compare = compare
        self._lose = lose
        self._second = second
        self._books = books
        self._quick = Turns[_Run](MAX_WAITING)
        self._slow = Turns[_Run](MAX_WAITING)
        self._workers: list[asyncio.Task[None]] = []
        self.dropped = 0

    def offer(self, request: Request, clearance: Clearance, trace: Trace, answered: Side) -> None:
        """Queue what `trace.decision` drew, if it drew more than who answered; returns at once."""
        assert trace.decision is not None
        asked = self._asked(trace.decision, answered.target)
        if not asked:
            return
        sides = {answered.target.name: answered}
        run = _Run(request, clearance, trace, answered, asked, sides)
        if not self._workers:
            lanes = [(self._slow, True), *[(self._quick, False)] * QUICK]
            start = asyncio.get_running_loop().create_task
            self._workers = [start(self._work(lane, slots=slots)) for lane, slots in lanes]
        self._queue(run, self._quick if run.quick else self._slow)

    def _queue(self, run: _Run, lane: Turns[_Run]) -> None:
        given_up = lane.put(run.trace.tenant, run)
        if given_up is not None:
            self.dropped += 1
            self._lose_all(given_up)

    def _asked(self, decision: Decision, answered: Target) -> tuple[Target, ...]:
        """Whom to ask, now that it is known who answered: behind a local answer those that are only
        ever asked unseen, and the reference for them or for an audit that was drawn."""
        drawn = [self._targets[name] for name in decision.shadow if name != answered.name]
        if not answered.local:
            return tuple(drawn)
        unseen = [target for target in drawn if target.state == "shadow"]
        if not unseen and answered.name not in decision.audited:
            return ()
        return (*(target for target in drawn if not target.local and target.serves), *unseen)

    async def close(self) -> None:
        """What still runs or waits is lost, and reported as lost."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for run in (*self._quick.drain(), *self._slow.drain()):
            self._lose_all(run)

    def _lose_all(self, run: _Run) -> None:
        """All that were not compared yet."""
        for name in run.candidates:
            self._lost(run, name)

    def _lost(self, run: _Run, name: str) -> None:
        if name in run.settled:
            return
        run.settled.add(name)
        with contained("losing a shadow run"):
            self._lose(run.trace, name)

    async def _work(self, lane: Turns[_Run], *, slots: bool) -> None:
        while True:
            run = await lane.get()
            try:
                with contained("a shadow run"):
                    await self._one(run, slots=slots)
            except BaseException:
                self._lose_all(run)
                raise

    async def _one(self, run: _Run, *, slots: bool) -> None:
        """One lane's part of a run: its answers, compared; what needs a slot waits for one."""
        for number, target in enumerate(run.asked):
            if takes_slot(target) != slots:
                continue
            side = await _tried(self._side(run, target, number))
            if side is not None:
                run.sides[target.name] = side
            elif target is run.reference:
                self._lose_all(run)
                return
        later = set() if slots else {target.name for target in run.asked if takes_slot(target)}
        for number, name in enumerate(run.candidates):
            if name not in run.settled | later:
                await self._settled(run, name, number)
        if later:
            self._queue(run, self._slow)

    async def _settled(self, run: _Run, name: str, number: int) -> None:
        said, reference = run.sides.get(name), run.sides.get(run.reference.name)
        candidate = said.filled_in(reference) if said and reference else None
        if (
            candidate is not None
            and reference is not None
            and await _tried(self._compared(run, candidate, reference, number))
        ):
            run.settled.add(name)
        else:
            self._lost(run, name)

    async def _compared(self, run: _Run, candidate: Side, reference: Side, number: int) -> bool:
        await self._compare(run.request, run.trace, candidate, reference, number)
        return True

    async def _side(self, run: _Run, target: Target, number: int) -> Side:
        """The target's answer, booked. Raises ShortstopError."""
        body = description_of(run.request.dialect).unstreamed(run.request.body)
        party = run.request.party._replace(background=True)
        request = replace(run.request, stream=False, body=body, party=party)
        name = "shadow" if number == 0 else f"shadow-{number + 1}"
        async with LearningCall(self._books, run.trace, name, target, request) as call:
            started = self._books.clock.monotonic()
            reply, signals, missing = await self._answer(run, target, request)
            seconds = self._books.clock.monotonic() - started
            attempt = Attempt(
                target.name, target.local, "ok", seconds, usage=reply.usage, signals=signals,
                deployment=reply.deployment,
            )  # fmt: skip
            call.keep(attempt, run.trace.request, reply.choices)
        return Side(reply.choices[0], target, signals, missing)

    async def _answer(
        self, run: _Run, target: Target, request: Request
    ) -> tuple[Reply, Signals | None, tuple[str, ...]]:
        """The answer, what is seen of it, and the fields that are left to somebody else."""
        try:
            reply = await self._ask(target.name, request, run.clearance)
        except PartlyAnswered as part:
            reply = replace(part.reply, usage=estimated_usage(request, part.reply))
            return reply, verify.signals(reply.choices[0]), part.missing
        signals = verify.signals(reply.choices[0]) if target.local else None
        if signals is not None and self._second is not None and target.specialist is None:
            reply, signals = await self._again(run, target.name, request, reply, signals)
        return reply, signals, ()

    async def _again(
        self, run: _Run, target: str, request: Request, reply: Reply, signals: Signals
    ) -> tuple[Reply, Signals]:
        """A second local answer, for the router to learn what agreement is worth."""
        assert self._second is not None
        assert run.trace.decision is not None

        async def ask(name: str, again: Request) -> Reply:
            return await self._ask(name, again, run.clearance)

        task, first = run.trace.decision.task, reply.choices[0]
        opinion = await self._second.opinion(ask, target, request, first, task)
        usage = together(reply.usage, opinion.usage)
        return replace(reply, usage=usage), opinion.seen(signals)


async def _tried(work: Awaitable[T]) -> T | None:
    """None where it failed: learning must never stop the street."""
    try:
        with contained("a shadow run", (ShortstopError,)):
            return await work
    except ShortstopError as error:
        log.info("a shadow run failed: %s", error.code)
    return None
