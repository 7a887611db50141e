"""Bounds hold as often as they say, under simulation."""

from __future__ import annotations

from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.routing.bounds import (
    binomial_cdf,
    binomial_lower,
    binomial_upper,
    learn_then_test,
    log_e_value,
    must_escalate,
    upper_mean,
)


@given(st.integers(0, 30), st.integers(1, 30), st.floats(0.01, 0.99))
def test_the_binomial_is_exact(k: int, n: int, p: float) -> None:
    k = min(k, n)
    exact = sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
    assert binomial_cdf(k, n, p) == pytest.approx(exact, abs=1e-9)


@given(st.integers(0, 200), st.integers(1, 200))
def test_clopper_pearson_encloses_what_was_seen(k: int, n: int) -> None:
    k = min(k, n)
    assert binomial_lower(k, n, 0.05) <= k / n <= binomial_upper(k, n, 0.05)


def test_known_values_of_clopper_pearson() -> None:
    assert binomial_upper(0, 59, 0.05) == pytest.approx(0.0495, abs=1e-4)
    assert binomial_upper(0, 149, 0.05) == pytest.approx(0.0199, abs=1e-4)


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


def test_the_upper_mean_covers() -> None:
    draws = np.random.default_rng(2)
    missed = 0
    for _ in range(300):
        losses = draws.choice([1.0, -1.0, 0.0], 300, p=[0.1, 0.05, 0.85])
        missed += upper_mean(losses, 0.05) < 0.05
    assert binomial_lower(missed, 300, 0.025) <= 0.05


@pytest.mark.parametrize("net", [True, False])
@pytest.mark.parametrize("per_answer", [True, False])
def test_a_certified_threshold_keeps_its_promise(net: bool, per_answer: bool) -> None:
    draws = np.random.default_rng(3)
    broken = certified = 0
    for _ in range(300):
        scores = draws.random(1500)
        chance = 0.15 * (1 - scores)
        losses = (draws.random(1500) < chance).astype(float)
        tau = learn_then_test(scores, losses, 0.04, 0.05, net=net, per_answer=per_answer)
        if tau is None:
            continue
        certified += 1
        inside = 0.15 * (1 - (tau + 1) / 2)
        broken += (inside if per_answer else inside * (1 - tau)) > 0.04
    assert certified > 100
    assert binomial_lower(broken, 300, 0.025) <= 0.05


def test_paid_back_losses_certify_more() -> None:
    draws = np.random.default_rng(4)
    scores = draws.random(2000)
    losses = draws.choice([1.0, -1.0, 0.0], 2000, p=[0.08, 0.06, 0.86])
    net = learn_then_test(scores, losses, 0.05, 0.05, net=True)
    errors = learn_then_test(scores, losses, 0.05, 0.05, net=False)
    assert net is not None
    assert errors is None or net < errors


def test_what_must_be_escalated() -> None:
    assert must_escalate(0.3, 0.02) == pytest.approx(0.28 / 0.98)
    assert must_escalate(0.01, 0.02) == 0
