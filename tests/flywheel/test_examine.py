"""Thresholds and examinations with somebody who says where the teacher slipped."""

from __future__ import annotations

import pytest

from shortstop.flywheel.appeal import NOBODY
from shortstop.flywheel.examine import calibrated, case_of, ceiling, examine
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import Made
from shortstop.specialists.opinion import NEVER, Gate, Opinion
from shortstop.specialists.query import Query
from tests.flywheel.traffic import example
from tests.flywheel.umpires import TruthTeller

SLIP = 12
"""One row in so many has another answer than the right one."""


def exactly(answer: str, row: Example) -> float:
    return float(answer == row.answer)


def rows(n: int) -> list[Example]:
    return [example(i, f"text {i}", "slip" if i % SLIP == 0 else f"answer {i}") for i in range(n)]


TRUTH = {row.id: f"answer {number}" for number, row in enumerate(rows(300))}


class Right:
    """Answers each "text N" rightly."""

    def opine(self, queries: list[Query]) -> list[Opinion | None]:
        return [Opinion(f"answer {q.text.rpartition(' ')[2]}", 1.0) for q in queries]


def held(n: int = 300) -> list[tuple[Example, Opinion | None]]:
    return [(row, Opinion(f"answer {i}", 1 - i / 1000)) for i, row in enumerate(rows(n))]


def test_who_is_right_where_the_teacher_slips_is_served() -> None:
    made = Made({}, Right(), held())
    umpire = TruthTeller(TRUTH)
    assert calibrated(made, exactly, 0.95, NOBODY).thresholds == {"all": NEVER}
    assert calibrated(made, exactly, 0.95, umpire).thresholds["all"] == pytest.approx(0.701)
    assert len(umpire.said) == 300 // SLIP


def test_what_was_new_to_who_answered_is_wrong_whoever_rules() -> None:
    known, umpire = held(), TruthTeller(TRUTH)
    new = known[::SLIP]
    made = Made({}, Right(), known, new=new)
    assert calibrated(made, exactly, 0.95, umpire).thresholds == {"all": NEVER}
    assert not umpire.said


def test_the_examination_hears_the_same_judge() -> None:
    gate = Gate({"all": 0.0})
    alone = examine(Right(), gate, rows(120), exactly)
    judged = examine(Right(), gate, rows(120), exactly, TruthTeller(TRUTH))
    assert alone.right == pytest.approx(11 / 12)
    assert judged.right == pytest.approx(1 - 0.1 / 12)


def test_a_case_is_empty_where_both_say_the_same() -> None:
    row = rows(2)[1]
    assert case_of(Opinion("answer 1", 1.0), row, exactly) == ()
    assert case_of(Opinion("else", 1.0), row, exactly) == ((row, "else"),)


def test_the_ceiling_is_for_closed_answers_alone() -> None:
    many = held(300) + held(300)
    assert ceiling(Made({}, Right(), many), exactly) == 1.0
    assert ceiling(Made({}, Right(), many, closed=True), exactly) < 1.0
