"""A threshold is chosen by the lower bound of being right, and held out rows bear it out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.flywheel.thresholds import LEAST_ATTAINABLE, LEAST_SERVED, attainable, threshold
from shortstop.specialists.opinion import NEVER


def drawn(n: int, seed: int) -> tuple[list[float], list[bool]]:
    """Opinions whose confidence is their chance of being right."""
    draws = np.random.default_rng(seed)
    confidence = draws.beta(4, 1, n)
    return confidence.tolist(), (draws.random(n) < confidence).tolist()


@pytest.mark.parametrize("target", [0.8, 0.9, 0.95])
def test_what_it_lets_through_is_right_often_enough_elsewhere(target: float) -> None:
    short = 0
    for seed in range(60):
        least = threshold(*drawn(1500, seed), target)
        confidence, right = drawn(20_000, 10_000 + seed)
        served = [r for c, r in zip(confidence, right, strict=True) if c >= least]
        short += bool(served) and np.mean(served) < target - 0.01
    assert short <= 6, "one in ten, by a point"


def test_where_nothing_is_good_enough_nothing_is_served() -> None:
    assert threshold([0.9] * 100, [False] * 100, 0.5) == NEVER
    assert threshold([], [], 0.5) == NEVER


def test_few_opinions_prove_nothing() -> None:
    n = LEAST_SERVED - 1
    assert threshold([0.9] * n, [True] * n, 0.5) == NEVER


def test_equal_confidences_are_served_together_or_not_at_all() -> None:
    confidence = [0.9] * 50 + [0.5] * 50
    assert threshold(confidence, [True] * 50 + [False] * 50, 0.9) == 0.9


def test_what_is_less_sure_than_all_that_is_right_is_not_served() -> None:
    """A hundred right answers leave room for some that are wrong: nobody asks for these."""
    confidence = [*np.linspace(0.5, 1.0, 300).tolist(), *[0.1] * 5]
    assert threshold(confidence, [True] * 300 + [False] * 5, 0.95) == 0.5
    assert threshold(confidence, [True] * 300 + [False] * 4 + [True], 0.95) == 0.1


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), max_size=200), st.floats(0.5, 0.99))
def test_it_is_one_of_the_confidences_or_never(rows: list[tuple[int, bool]], target: float) -> None:
    confidence = [c / 10 for c, _ in rows]
    least = threshold(confidence, [r for _, r in rows], target)
    if least != NEVER:
        served = [r for c, (_, r) in zip(confidence, rows, strict=True) if c >= least]
        assert least in confidence
        assert len(served) >= LEAST_SERVED
        assert np.mean(served) >= target


@pytest.mark.parametrize("slips", [0.0, 0.03, 0.07])
def test_what_is_attainable_is_what_the_teacher_is_consistent_in(slips: float) -> None:
    """The model is right nine times in ten, and always where it is surest."""
    for seed in range(20):
        draws = np.random.default_rng(seed)
        confidence = draws.random(1_500)
        right = (draws.random(1_500) < 1 - 0.2 * (confidence < 0.5)) & (draws.random(1_500) > slips)
        assert 1 - slips - 0.015 <= attainable(confidence.tolist(), right.tolist()) <= 1.0


def test_of_few_or_hopeless_opinions_everything_or_the_least_is_asked() -> None:
    assert attainable([0.9] * 50, [False] * 50) == 1.0
    assert attainable([0.9] * 1_000, [False] * 1_000) == LEAST_ATTAINABLE
