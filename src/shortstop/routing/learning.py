"""What comes back: compared answers and feedback. Each counts once, however often it arrives."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

FeedbackSource = Literal["user", "reviewer", "judge", "client"]
"""Who judges: see `types.GradeSource`."""
PairSource = Literal["comparison", "judge", "reviewer"]


CLEAR = 0.3
"""Difference of two grades by a judge, in [0, 1], from which on one answer has won."""


def winner(reference: float, candidate: float) -> float | None:
    """1 where a judge's grades say that the reference is better, -1 where the candidate is; None
    where that is not clear."""
    if abs(reference - candidate) < CLEAR:
        return None
    return 1.0 if reference > candidate else -1.0


class Feedback(Struct, frozen=True):
    """What someone says about an answer: one of score (0 to 1), label (good or not), correction.

    `correction` is the answer that should have been given, `answer` the one that was, `target` who
    gave it. A tenant may speak of its own requests only; None stands for the operator, who may
    speak of all.
    """

    request_id: str
    score: float | None = None
    label: bool | None = None
    correction: str | None = None
    answer: str | None = None
    source: FeedbackSource = "user"
    target: str | None = None
    tenant: str | None = None


class Subject(NamedTuple):
    """The answer that feedback is about: who gave it, to whose request."""

    target: str
    tenant: str


class Pair(Struct, frozen=True):
    """Grades of two answers to the request with the id `trace`, each in [0, 1].

    `reference` names the target whose answer is the yardstick, `candidate` the one that is measured
    by it; `value` is the candidate's grade. A program that compares grades the reference's own
    answer 1. `marks` are what the candidate's text shows (`scorer.text_marks`), () where the text
    was not known.
    """

    trace: str
    reference: str
    candidate: str
    value: float
    reference_value: float = 1.0
    source: PairSource = "comparison"
    marks: tuple[float, ...] = ()

    @property
    def gap(self) -> float:
        """By how much the reference is better, in [-1, 1]."""
        return self.reference_value - self.value
