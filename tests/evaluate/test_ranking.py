"""The metric: what a ranking recovers of the quality gap, and what it costs in frontier calls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.evaluate.ranking import TENTHS, apgr, cpt, recovered, score

SCORES = st.lists(st.floats(-1, 1), min_size=2, max_size=40)


def test_a_router_without_an_opinion_is_random() -> None:
    gap = np.array([1.0, 0.0, 0.0, 1.0, 0.0, -1.0, 1.0, 0.0])
    curve = recovered(np.zeros(8), np.zeros(8), gap)
    assert apgr(curve) == pytest.approx(0.5)
    assert cpt(curve, 0.8) == pytest.approx(80)


def test_an_oracle_beats_always_asking() -> None:
    gap = np.random.default_rng(0).choice([1.0, 0.0, -1.0], 500, p=[0.3, 0.6, 0.1])
    curve = recovered(gap, np.zeros(500), gap)
    assert curve.max() > 1
    assert apgr(curve) > 0.9


@given(SCORES)
def test_recovered_begins_at_none_and_ends_at_all(scores: list[float]) -> None:
    gap = np.ones(len(scores))
    curve = recovered(np.array(scores), np.zeros(len(scores)), gap)
    assert curve[0] == 0
    assert curve[-1] == pytest.approx(1)
    assert (np.diff(curve) >= -1e-9).all()


@given(SCORES)
def test_the_order_of_the_rows_does_not_count(scores: list[float]) -> None:
    ranks = np.array(scores)
    big = np.random.default_rng(0).random(len(ranks))
    order = np.random.default_rng(1).permutation(len(ranks))
    curve = recovered(ranks, np.zeros(len(ranks)), big)
    again = recovered(ranks[order], np.zeros(len(ranks)), big[order])
    assert np.allclose(curve, again)


@given(SCORES)
def test_only_the_order_of_the_scores_counts(scores: list[float]) -> None:
    ranks = np.unique(np.array(scores), return_inverse=True)[1].astype(float)
    big = np.random.default_rng(0).random(len(ranks))
    curve = recovered(ranks, np.zeros(len(ranks)), big)
    assert np.allclose(curve, recovered(7 * ranks - 100, np.zeros(len(ranks)), big))


def test_where_there_is_no_gap_nothing_divides_by_zero() -> None:
    assert np.isfinite(recovered(np.arange(5.0), np.ones(5), np.ones(5))).all()


@pytest.mark.parametrize(
    ("curve", "goal", "percent"),
    [
        (TENTHS, 0.5, 50.0),
        (TENTHS, 0.55, 55.0),
        (np.ones(11), 0.5, 0.0),
        (np.zeros(11), 0.5, 100.0),
        (np.minimum(2 * TENTHS, 1.0), 0.8, 40.0),
    ],
)
def test_the_least_share_of_calls_that_reaches_a_goal(
    curve: np.ndarray, goal: float, percent: float
) -> None:
    assert cpt(curve, goal) == pytest.approx(percent)


def test_a_score_has_intervals_that_enclose_it() -> None:
    draws = np.random.default_rng(2)
    gap = (draws.random(800) < 0.3).astype(float)
    scores = gap + draws.normal(0, 1, 800)
    result = score("r", "b", scores, np.zeros(800), gap, boots=100)
    for figure in (result.apgr, result.cpt50, result.cpt80, result.gap):
        assert figure.low <= figure.value <= figure.high
        assert figure.n == 800
    assert (result.router, result.bench) == ("r", "b")
    assert result.apgr.value > 0.6
    assert len(result.curve) == 11
