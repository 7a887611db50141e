"""Judgements of answers in the form in which they are kept: the one place that makes a `Grade`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from shortstop.beside import ON_THE_LOOP, Calls
from shortstop.errors import StoreUnavailable
from shortstop.faults import contained, turned_into
from shortstop.ports import Clock, Grades
from shortstop.routing import Feedback, Pair, Subject
from shortstop.runs import RunBook
from shortstop.types import CallerRole, Grade
from shortstop.types.learning import RUN_OUTCOME


def comparison_grade(pair: Pair, tenant: str, grader: str, at: float) -> Grade:
    """The candidate's grade, by the program `grader`; `at` is Unix time in seconds."""
    return Grade(
        pair.trace,
        tenant,
        "comparison",
        pair.candidate,
        pair.value,
        at,
        reference=pair.reference,
        grader=grader,
    )


def judge_grades(pair: Pair, tenant: str, judge: str, at: float) -> tuple[Grade, Grade]:
    """The candidate's and the reference's, by the model `judge`, which saw both without names."""
    trace, candidate, reference = pair.trace, pair.candidate, pair.reference
    return (
        Grade(trace, tenant, "judge", candidate, pair.value, at, reference, judge),
        Grade(trace, tenant, "judge", reference, pair.reference_value, at, grader=judge),
    )


def feedback_grade(feedback: Feedback, subject: Subject, at: float) -> Grade:
    """The grade of the answer that `subject` names, with the correction if there is one."""
    value = feedback.score
    if value is None and feedback.label is not None:
        value = float(feedback.label)
    return Grade(
        feedback.request_id,
        subject.tenant,
        feedback.source,
        subject.target,
        None if value is None else min(1.0, max(0.0, value)),
        at,
        correction=feedback.correction,
    )


class FeedbackLearner(Protocol):
    """The router as feedback sees it."""

    def feedback(self, feedback: Feedback) -> Subject | None:
        """Learn from it; what it is about, None where it does not count."""


def _not_taken() -> StoreUnavailable:
    return StoreUnavailable(
        "Nothing can be learned from feedback now.", hint="Send it again later.", retry_after=60.0
    )


@dataclass(frozen=True, slots=True)
class FeedbackIntake:
    """What clients and reviewers say about answers: learned from, and kept."""

    router: FeedbackLearner
    grades: Grades
    clock: Clock
    calls: Calls = ON_THE_LOOP
    """How the tier of the row that is graded is looked up."""

    async def taken(self, feedback: Feedback) -> bool:
        """False where it does not count, and is not kept: the request is unknown or another
        tenant's, the source has graded it before, or the feedback says nothing."""
        with turned_into("learning from feedback", _not_taken):
            subject = self.router.feedback(feedback)
        if subject is None:
            return False
        grade = feedback_grade(feedback, subject, self.clock.time())
        with contained("keeping a grade"):
            await self.calls.need(partial(self.grades.grade, grade))
        return True


@dataclass(frozen=True, slots=True)
class RunOutcomes:
    """What clients and reviewers say of how whole runs ended: kept for the books. Nothing is
    learned from it, for it does not tell which step was to blame."""

    runs: RunBook
    grades: Grades
    clock: Clock

    def take(self, run: str, score: float, source: CallerRole, tenant: str | None) -> bool:
        """Keep that a run of `tenant` (None: of any) ended with `score`, at best 1; the latest
        word of a source counts. False where there is no such run, or it is over for long."""
        owner = None
        with turned_into("looking for a run", _not_taken):
            owner = self.runs.owner(run, tenant)
        if owner is None:
            return False
        value = min(1.0, max(0.0, score))
        grade = Grade(run, owner, source, "", value, self.clock.time(), grader=RUN_OUTCOME)
        with contained("keeping a grade"):
            self.grades.grade(grade)
        return True
