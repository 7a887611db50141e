"""Every judgement is kept with who made it, of whose answer, by which yardstick."""

from __future__ import annotations

import pytest

from shortstop.pipeline.grading import (
    FeedbackIntake,
    comparison_grade,
    feedback_grade,
    judge_grades,
)
from shortstop.routing import Feedback, Pair, Subject, packaged
from shortstop.types import Caller, Grade, GradeSource
from tests.conftest import FakeClock
from tests.routing.test_constraints import OPEN
from tests.routing.test_router import asked, make

SUBJECT = Subject("small", "acme")
PAIR = Pair("r1", "big", "small", 0.25, 0.75)


class GradeList(list[Grade]):
    """Implements ports.Grades in memory."""

    def grade(self, grade: Grade) -> None:
        self.append(grade)


def test_a_comparison_grades_the_candidate_by_the_reference() -> None:
    assert comparison_grade(PAIR, "acme", "exact", 7.0) == Grade(
        "r1", "acme", "comparison", "small", 0.25, 7.0, reference="big", grader="exact"
    )


def test_a_judge_grades_both() -> None:
    candidate, reference = judge_grades(PAIR, "acme", "arbiter", 7.0)
    assert (candidate.target, candidate.value, candidate.reference) == ("small", 0.25, "big")
    assert (reference.target, reference.value, reference.reference) == ("big", 0.75, None)
    assert {g.grader for g in (candidate, reference)} == {"arbiter"}
    assert {g.source for g in (candidate, reference)} == {"judge"}


@pytest.mark.parametrize(
    ("feedback", "value"),
    [
        (Feedback("r1", score=0.4), 0.4),
        (Feedback("r1", score=7.0), 1.0),
        (Feedback("r1", score=-1.0, label=True), 0.0),
        (Feedback("r1", label=True), 1.0),
        (Feedback("r1", label=False), 0.0),
        (Feedback("r1", correction="no, on Monday", answer="on Tuesday"), None),
        (Feedback("r1", label=False, correction="no, on Monday"), 0.0),
    ],
)
def test_feedback_is_a_grade_between_0_and_1_or_only_a_correction(
    feedback: Feedback, value: float | None
) -> None:
    grade = feedback_grade(feedback, SUBJECT, 7.0)
    assert (grade.trace, grade.tenant, grade.target) == ("r1", "acme", "small")
    assert (grade.value, grade.correction, grade.at) == (value, feedback.correction, 7.0)


@pytest.mark.parametrize("source", ["user", "reviewer", "judge", "client"])
def test_its_source_is_who_gave_it(source: GradeSource) -> None:
    assert source != "comparison"
    assert feedback_grade(Feedback("r1", score=1, source=source), SUBJECT, 7.0).source == source


class Desk:
    """Feedback on real requests, decided by a real router."""

    def __init__(self) -> None:
        self.grades = GradeList()
        self.router = make(packaged())
        self.intake = FeedbackIntake(self.router, self.grades, FakeClock(9.0))
        for i in range(3):
            self.router.decide(asked(i, "sort mail"), OPEN, Caller(task="mail", tenant="acme"))


async def test_what_counts_is_learned_and_kept_corrections_included() -> None:
    desk = Desk()
    said = Feedback("r1", correction="gold", source="reviewer", tenant="acme")
    assert await desk.intake.taken(said)
    (grade,) = desk.grades
    assert grade == Grade("r1", "acme", "reviewer", "small", None, 9.0, correction="gold")
    assert desk.router.state.pending["r1"].heard == ["reviewer:small"]


async def test_the_operator_speaks_of_any_tenant_s_request_and_it_is_that_tenant_s() -> None:
    desk = Desk()
    assert await desk.intake.taken(Feedback("r1", score=0.5, source="reviewer", tenant=None))
    assert desk.grades[0].tenant == "acme"


async def test_it_may_be_about_another_answer() -> None:
    desk = Desk()
    assert await desk.intake.taken(Feedback("r1", score=0.5, target="big"))
    assert desk.grades[0].target == "big"


@pytest.mark.parametrize(
    "feedback",
    [
        Feedback("nobody", score=1.0),
        Feedback("r1", score=1.0, tenant="rival"),
        Feedback("r1"),
        Feedback("r1", score=1.0, target="no such target"),
    ],
)
async def test_what_does_not_count_is_not_kept(feedback: Feedback) -> None:
    desk = Desk()
    assert not await desk.intake.taken(feedback)
    assert desk.grades == []


async def test_a_source_is_heard_once() -> None:
    desk = Desk()
    assert await desk.intake.taken(Feedback("r1", score=1.0))
    assert not await desk.intake.taken(Feedback("r1", score=0.0))
    assert [grade.value for grade in desk.grades] == [1.0]
