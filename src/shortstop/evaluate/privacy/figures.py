"""Figures with what is asked of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from shortstop.evaluate.figures import wilson


class Measured(Struct, frozen=True):
    """`hits` of `n`, with the 95% Wilson interval of the share."""

    name: str
    n: int
    hits: int
    share: float
    low: float
    high: float


class Timing(Struct, frozen=True):
    """Milliseconds on one core."""

    name: str
    n: int
    p50: float
    p99: float


class PrivacyReport(Struct, frozen=True):
    part: str
    figures: tuple[Measured, ...]
    timings: tuple[Timing, ...] = ()


def timing(name: str, milliseconds: Sequence[float]) -> Timing:
    """p50 and p99 by nearest rank."""
    ordered = sorted(milliseconds)
    n = len(ordered)
    return Timing(name, n, ordered[n // 2], ordered[min(n - 1, math.ceil(0.99 * n) - 1)])


def counted(name: str, hits: int, n: int) -> Measured:
    low, high = wilson(hits, n)
    return Measured(name, n, hits, hits / n if n else 0.0, low, high)
