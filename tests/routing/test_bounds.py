"""Bets hold as often as they say, under simulation."""

from __future__ import annotations

from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.evaluate.figures import binomial_lower
from shortstop.routing.bounds import (
    BOLD,
    EVEN,
    STAKES,
    Floats,
    labels_for_proof,
    log_alarms,
    log_bets,
    log_e_value,
    mixed,
    mixed_rows,
    must_escalate,
)


@pytest.mark.parametrize(("bad", "paid_back"), [(0.05, 0.0), (0.15, 0.1), (0.3, 0.25)])
def test_a_mean_at_the_limit_is_seldom_proven_below_it(bad: float, paid_back: float) -> None:
    draws = np.random.default_rng(0)
    proven = 0
    for _ in range(600):
        losses = draws.choice([1.0, -1.0, 0.0], 400, p=[bad, paid_back, 1 - bad - paid_back])
        proven += log_e_value(losses, 0.05) >= log(20)
    assert binomial_lower(proven, 600, 0.025) <= 0.05


def test_looking_after_every_pair_costs_nothing() -> None:
    draws = np.random.default_rng(1)
    fooled = 0
    for _ in range(300):
        losses = (draws.random(400) < 0.05).astype(float)
        fooled += any(log_e_value(losses[:n], 0.05) >= log(20) for n in range(20, 401, 10))
    assert binomial_lower(fooled, 300, 0.025) <= 0.05


def test_what_must_be_escalated() -> None:
    assert must_escalate(0.3, 0.02) == pytest.approx(0.28 / 0.98)
    assert must_escalate(0.01, 0.02) == 0
    assert must_escalate(1.0, 0.02) == 1


@given(st.floats(-1, 1), st.floats(0.001, 0.5), st.floats(0.01, 1))
def test_no_bet_can_bankrupt_the_gambler(loss: float, alpha: float, weight: float) -> None:
    for bets in (log_bets, log_alarms):
        grown = bets(np.array([loss]), alpha, weight)
        assert grown.shape == (len(STAKES), 1)
        assert np.isfinite(grown).all()


@given(st.floats(0.001, 0.5), st.floats(0.01, 1))
def test_a_bet_at_the_limit_is_fair_in_both_directions(alpha: float, weight: float) -> None:
    for bets in (log_bets, log_alarms):
        assert np.allclose(bets(np.array([alpha]), alpha, weight), 0)
        # Losses of 0 and 1 whose mean is alpha: the mean wealth stays 1.
        none, whole = np.exp(bets(np.array([0.0, 1.0]), alpha, weight)).T
        assert np.allclose((1 - alpha) * none + alpha * whole, 1)


@pytest.mark.parametrize("spread", [EVEN, BOLD])
def test_the_mixture_is_the_whole_wealth_and_does_not_overflow(spread: Floats) -> None:
    assert spread.sum() == pytest.approx(1), "the gambler starts with a wealth of 1"
    wealth = np.log(np.arange(1.0, 15.0))
    whole = float(np.arange(1.0, 15.0) @ spread)
    assert exp(mixed(wealth, spread)) == pytest.approx(whole)
    assert mixed(wealth + 5000, spread) == pytest.approx(5000 + log(whole))
    rows = np.stack([wealth, wealth + 1])
    each = [mixed(rows[0], spread), mixed(rows[1], spread)]
    assert mixed_rows(rows, spread) == pytest.approx(each)


def test_no_pairs_are_no_evidence() -> None:
    assert log_e_value(np.zeros(0), 0.05) == 0


def test_the_labels_foretold_are_of_the_right_size() -> None:
    """The best stake alone is foretold; the mixture of all of them needs up to twice as many."""
    foretold = labels_for_proof(0.0, 0.0, 0.05, 0.05)
    proven = next(n for n in range(1, 1000) if log_e_value(np.zeros(n), 0.05) >= log(20))
    assert foretold < proven < 2 * foretold
    assert labels_for_proof(0.2, 0.2, 0.05, 0.05) == inf, "no number of pairs proves a bad model"
    assert labels_for_proof(0.02, 0.02, 0.05, 0.05) > foretold
