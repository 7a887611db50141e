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
from shortstop.serving.second import Agree, SecondLook
from shortstop.types import Helpers, Request, Signals, Trace


class Graders(Protocol):
    """Which program compares the answers to a task."""

    def grader(self, task: str) -> str | None:
        """The grader that the operator named for `task`."""


def agreement_by(graders: Graders) -> Agree:
    """By the task's grader, else by what the answers come to."""

    def agreement(task: str, answer: str, other: str) -> tuple[float, Helpers]:
        return routing.heard(graders.grader(task), answer, [other], routing.packaged().embedder)

    return agreement


def second_look(graders: Graders, model: str | None) -> SecondLook:
    """By the local `model`, else by the one that answered."""
    return SecondLook(agreement_by(graders), model)


class PairLearner(Graders, Protocol):
    """The router as a comparison sees it."""

    def pair(self, pair: Pair, signals: Signals | None) -> bool:
        """Learn from two answers to one request; False when this changes nothing."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Implements shadow.Compare: by the judge where it is wanted, else by a program.

    The reference's answer is the program's yardstick; the judge grades both, without knowing whose
    they are. Of specialists it is also asked wherever they differ: against the reference alone, one
    that is right more often would lose by each of the reference's errors. `may_judge` says whether
    its model may see what a key has asked.
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
        name = routing.grader_for(grader, reference.text)
        value = routing.grade(name, candidate.text, reference.text)
        pair = Pair(trace.id, reference.target.name, candidate.target.name, value)
        judged = None
        if judge := self._judge(grader, trace, candidate, value):
            judged = await judge.grade(request, trace, candidate, reference, number)
        if judged is None:
            at = self.clock.time()
            self.grades.grade(comparison_grade(pair, trace.tenant, name, at))
        elif candidate.target.specialist is None:
            pair = judged
        else:
            pair = won(pair, judged)
        marks = routing.marks_of(candidate.text, request)
        self.router.pair(replace(pair, marks=marks), candidate.signals)

    def _judge(
        self, grader: str | None, trace: Trace, candidate: Side, value: float
    ) -> Judge | None:
        """Who grades this comparison, if it is not a program."""
        if self.judge is None or not self.may_judge(trace.key):
            return None
        disputed = candidate.target.specialist is not None and value < 1.0
        if self.judge.wanted(grader, trace.id) or (disputed and grader != "human"):
            return self.judge
        return None


def won(pair: Pair, judged: Pair) -> Pair:
    """A specialist's pair, by who has won in the judge's eyes: as far as the answers differ, which
    is what a program found in `pair`. Where nobody has, the reference's counts as right."""
    win = routing.winner(judged.reference_value, judged.value)
    if win is None or win > 0:
        return replace(pair, source="judge")
    return replace(pair, source="judge", value=1.0, reference_value=pair.value)
