"""Intervals cover what they say, exactly or under simulation."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.evaluate.figures import (
    binomial_cdf,
    binomial_lower,
    binomial_upper,
    bootstrap,
    figure,
    wilson,
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


@pytest.mark.parametrize(
    ("k", "n", "p", "expected"), [(-1, 5, 0.5, 0.0), (5, 5, 0.5, 1.0), (2, 5, 1.0, 0.0)]
)
def test_the_binomial_at_its_ends(k: int, n: int, p: float, expected: float) -> None:
    assert binomial_cdf(k, n, p) == expected


def test_nothing_was_seen() -> None:
    assert (binomial_lower(0, 0, 0.05), binomial_upper(0, 0, 0.05)) == (0.0, 1.0)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_encloses_the_share_and_mirrors(hits: int, n: int) -> None:
    hits = min(hits, n)
    low, high = wilson(hits, n)
    assert 0 <= low <= high <= 1
    assert low - 1e-12 <= hits / n <= high + 1e-12
    assert wilson(n - hits, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_covers_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0)
    covered = 0
    for hits in draws.binomial(60, 0.2, 2000).tolist():
        low, high = wilson(hits, 60)
        covered += low <= 0.2 <= high
    assert covered / 2000 == pytest.approx(0.95, abs=0.02)


def test_a_figure_has_the_middle_of_what_was_resampled() -> None:
    measured = figure(0.5, [i / 100 for i in range(101)], 7)
    assert (measured.value, measured.low, measured.high, measured.n) == (0.5, 0.025, 0.975, 7)
    assert np.isnan(figure(0.5, [], 7).low)


def test_bootstrap_draws_the_same_rows_each_time() -> None:
    once, again = list(bootstrap(10, 5)), list(bootstrap(10, 5))
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert {sample.shape for sample in once} == {(10,)}
    assert len({sample.tobytes() for sample in once}) == 5
