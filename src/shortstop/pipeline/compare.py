"""Two answers to one request: graded, kept, and learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from shortstop import routing
from shortstop.pipeline.grading import comparison_grade
from shortstop.pipeline.judge import Judge
from shortstop.pipeline.shadow import Side
from shortstop.ports import Clock, Grades
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
        """Learn from two answers to one request; False when this changes nothing."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Implements shadow.Compare: by the judge where it is wanted, else by a program.

    The reference's answer is the program's yardstick; the judge grades both, without knowing whose
    they are. `may_judge` says whether its model may see what a key has asked.
    """

    router: PairLearner
    judge: Judge | None
    grades: Grades
    clock: Clock
    may_judge: Callable[[str | None], bool] = lambda key: True

    async def __call__(
        self, request: Request, trace: Trace, candidate: Side, reference: Side, number: int
    ) -> None:
        assert trace.decision is not None
        grader = self.router.grader(trace.decision.task)
        pair: Pair | None = None
        judge = self.judge if self.may_judge(trace.key) else None
        if judge is not None and judge.wanted(grader, trace.id):
            pair = await judge.grade(request, trace, candidate, reference, number)
        if pair is None:
            pair = self._compared(trace, grader, candidate, reference)
        marks = routing.marks_of(candidate.text, request)
        self.router.pair(replace(pair, marks=marks), candidate.signals)

    def _compared(self, trace: Trace, grader: str | None, candidate: Side, reference: Side) -> Pair:
        name = routing.grader_for(grader, reference.text)
        value = routing.grade(name, candidate.text, reference.text)
        pair = Pair(trace.id, reference.target.name, candidate.target.name, value)
        self.grades.grade(comparison_grade(pair, trace.tenant, name, self.clock.time()))
        return pair
