"""Measured values with their uncertainty: intervals of shares, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, lgamma, log, log1p

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Z95 = 1.96
"""Standard errors to each side of a 95% interval."""


class Figure(Struct, frozen=True):
    """One measured value with its 95% interval and number of rows."""

    value: float
    low: float
    high: float
    n: int


def figure(value: float, resampled: Sequence[float], n: int) -> Figure:
    """`value` with the middle 95% of the `resampled` ones; NaN where there are none."""
    low, high = np.quantile(resampled, [0.025, 0.975]) if resampled else (np.nan, np.nan)
    return Figure(round(value, 4), round(float(low), 4), round(float(high), 4), n)


def bootstrap(n: int, draws: int) -> Iterable[NDArray[np.int64]]:
    """`draws` samples of n row numbers, each of shape (n,), the same ones each time."""
    generator = np.random.default_rng(0)
    for _ in range(draws):
        yield generator.integers(0, n, n)


def wilson(hits: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's interval of the share `hits` / `n`, in [0, 1]; (0, 1) when n is 0. Both may be means
    of several counts."""
    if n == 0:
        return 0.0, 1.0
    share, zz = hits / n, z * z
    centre = (share + zz / (2 * n)) / (1 + zz / n)
    half = float(z / (1 + zz / n) * (share * (1 - share) / n + zz / (4 * n * n)) ** 0.5)
    return max(0.0, centre - half), min(1.0, centre + half)


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(Bin(n, p) <= k), exact."""
    if k < 0:
        return 0.0
    if k >= n or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    terms = [_log_pmf(i, n, p) for i in range(k + 1)]
    top = max(terms)
    return min(1.0, exp(top) * sum(exp(v - top) for v in terms))


def _log_pmf(i: int, n: int, p: float) -> float:
    choose = lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1)
    return choose + i * log(p) + (n - i) * log1p(-p)


def binomial_upper(k: int, n: int, delta: float) -> float:
    """Clopper-Pearson: the largest rate that k of n does not refute at level `delta`."""
    if n == 0 or k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_cdf(k, n, middle) > delta else (low, middle)
    return high


def binomial_lower(k: int, n: int, delta: float) -> float:
    """Clopper-Pearson: the smallest rate that k of n does not refute at level `delta`."""
    return 1.0 - binomial_upper(n - k, n, delta) if n else 0.0
