"""Two answers to one request -> what the router learns from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from shortstop import routing
from shortstop.pipeline.judge import Judge
from shortstop.pipeline.shadow import Side
from shortstop.routing import Pair
from shortstop.types import Request, Signals, Trace


class Graders(Protocol):
    """Which program compares the answers to a task."""

    def grader(self, task: str) -> str | None:
        """The grader that the operator named for `task`."""


def agreement_by(graders: Graders) -> Callable[[str, str, str], float]:
    """(task, one answer, another) -> how much they agree, in [0, 1]."""

    def agreement(task: str, one: str, other: str) -> float:
        return routing.grade(graders.grader(task), one, other)

    return agreement


class PairLearner(Graders, Protocol):
    """The router as a comparison sees it."""

    def pair(self, pair: Pair, signals: Signals | None) -> bool:
        """Learn from two answers to one request; False when this was learned before."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Implements shadow.Compare: by a program, or by the judge where it is asked for.

    The frontier's answer is the program's reference; the judge grades both, unseen whose they are.
    """

    router: PairLearner
    judge: Judge | None

    async def __call__(self, request: Request, trace: Trace, local: Side, frontier: Side) -> None:
        assert trace.decision is not None
        grader = self.router.grader(trace.decision.task)
        marks = routing.marks_of(local.text, request)
        pair: Pair | None = None
        if self.judge is not None and self.judge.wanted(grader, trace.id):
            pair = await self._judged(self.judge, request, trace, (local.text, frontier.text))
        if pair is None:
            agreement = routing.grade(grader, local.text, frontier.text)
            pair = Pair(trace.id, agreement)
        self.router.pair(replace(pair, marks=marks), local.signals)

    async def _judged(
        self, judge: Judge, request: Request, trace: Trace, answers: tuple[str, str]
    ) -> Pair | None:
        grades = await judge.grade(request, trace, *answers)
        if grades is None:
            return None
        return Pair(trace.id, grades.local, grades.frontier, source="judge")
