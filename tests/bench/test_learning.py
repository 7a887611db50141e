"""The benchmark of specialists counts right: intervals, verdicts, a teacher that errs nearby."""

from __future__ import annotations

import numpy as np
import pytest
from bench.learning.figures import Bars, Figure, share
from bench.learning.rows import example, examples, unseen
from bench.learning.teacher import Teacher


def test_the_interval_is_that_of_one_seed_for_they_share_their_rows() -> None:
    one, three = (share("x", "y", [(95, 100)] * seeds) for seeds in (1, 3))
    assert (one.low, one.high) == (three.low, three.high)
    assert three.seeds == (0.95, 0.95, 0.95)


@pytest.mark.parametrize(
    ("value", "bars", "verdict"),
    [
        (0.9, Bars(0.8, 0.85), "aim"),
        (0.82, Bars(0.8, 0.85), "must"),
        (0.7, Bars(0.8, 0.85), "missed"),
        (0.04, Bars(0.05, 0.03, "at most"), "must"),
        (0.5, Bars(), ""),
    ],
)
def test_verdicts(value: float, bars: Bars, verdict: str) -> None:
    one = Figure("s", "w", value, 10, None, None, (), bars.must, bars.aim, bars.better)
    assert one.verdict == verdict


def test_the_teacher_errs_into_neighbours_and_as_often_as_told() -> None:
    names = [f"l{n}" for n in range(20)]
    angles = np.repeat(np.arange(20), 5) / 20
    units = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    teacher = Teacher(np.repeat(names, 5).tolist(), units)
    told = teacher.labels(["l10"] * 2_000, seed=3)
    wrong = [label for label in told if label != "l10"]
    assert len(wrong) / 2_000 == pytest.approx(0.07, abs=0.02)
    assert all(abs(int(label[1:]) - 10) <= 3 for label in wrong)
    assert told == teacher.labels(["l10"] * 2_000, seed=3)


def test_test_rows_that_stand_in_train_are_left_out() -> None:
    rows = [{"text": "Where is it?"}, {"text": "another"}]
    assert unseen(rows, [{"text": "where IS it"}]) == [{"text": "another"}]
    assert [e.answer for e in examples(["a", "b"], ["x", "y"])] == ["x", "y"]
    assert example(3, "a", "x").id == "r3"
