"""How far a judge is believed: an assumption until people have checked it, and its simulation."""

from __future__ import annotations

import numpy as np
import pytest
from bench.promotion import ALPHA, KNOWN, MARGIN, Judging, climbed, drawn, steps

from shortstop.flywheel.verdicts import LEAST_CHECKED, doubt_of

RUNS = 500


def test_unchecked_it_is_believed_as_far_as_was_assumed() -> None:
    assert doubt_of([], 0.1, 0.05) == (0.2, 0.05, 0, False)
    assert doubt_of([2.0] * (LEAST_CHECKED - 1), 0.1, 0.05).bias == 0.2


def test_people_who_find_it_right_lower_the_doubt_once_they_are_many() -> None:
    few, many = doubt_of([0.0] * 30, 0.1, 0.05), doubt_of([0.0] * 300, 0.1, 0.05)
    assert (few.bias, few.measured) == (0.2, False), "nothing speaks against the assumption"
    assert many.measured
    assert many.bias < 0.1
    assert many.alpha < 0.05, "measuring took its part"


def test_people_who_find_it_partial_raise_it_at_once() -> None:
    found = doubt_of([2.0] * 10 + [0.0] * 20, 0.1, 0.05)
    assert found.measured
    assert found.bias > 2 / 3


def test_a_judge_that_is_hard_on_the_specialist_does_no_harm() -> None:
    assert doubt_of([-2.0] * 300, 0.1, 0.05).bias == 0.0


def looked(
    judging: Judging, rng: np.random.Generator, loss: float, differs: float, sure: float = 1.0
) -> int | None:
    """After how many requests a specialist goes on trial."""
    return steps(judging.seen(rng, drawn(rng, 1500, loss, differs, sure)), judging.doubt)[0]


@pytest.mark.parametrize("kind", [False, True])
@pytest.mark.parametrize("sure", [1.0, 0.2])
def test_at_the_margin_a_judge_as_wrong_as_assumed_promotes_hardly_anybody(
    kind: bool, sure: float
) -> None:
    judging = Judging(error=0.1, assumed=0.1, kind=kind)
    rng = np.random.default_rng(7)
    trials = [looked(judging, rng, MARGIN, 0.08, sure) for _ in range(RUNS)]
    assert sum(trial is not None for trial in trials) / RUNS <= ALPHA


@pytest.mark.parametrize("sure", [0.5, 0.2])
def test_at_the_margin_nobody_gets_in_by_what_a_canary_answers_unseen(sure: float) -> None:
    rng = np.random.default_rng(9)
    ends = [steps(drawn(rng, 1500, MARGIN, 0.08, sure), KNOWN, rng)[1] for _ in range(RUNS)]
    assert sum(end is not None for end in ends) / RUNS <= ALPHA


def test_one_who_is_more_right_than_its_teacher_is_promoted_by_a_judge_alone() -> None:
    """It wins 7 % of the requests and loses 2 %. Unjudged it never gets there."""
    judging = Judging(error=0.1, assumed=0.1)
    rng = np.random.default_rng(8)
    trials = [looked(judging, rng, -0.05, 0.09) for _ in range(100)]
    assert sum(trial is not None for trial in trials) >= 90
    pairs = drawn(rng, 1500, -0.05, 0.09)
    assert climbed(judging.seen(rng, pairs), judging.doubt)[0] == "live"
    assert climbed(Judging.absent(pairs), judging.doubt)[0] == "shadow"


@pytest.mark.parametrize("sure", [1.0, 0.4])
def test_the_simulation_is_of_the_night_s_own_steps(sure: float) -> None:
    judging = Judging(error=0.1, assumed=0.1)
    asked = drawn(np.random.default_rng(2), 800, -0.05, 0.1, sure)
    pairs = judging.seen(np.random.default_rng(1), asked)
    assert (*steps(pairs, judging.doubt),) == climbed(pairs, judging.doubt)[1:]
