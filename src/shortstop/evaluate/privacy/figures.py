"""Figures with what is asked of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct


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


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Bounds of a share; (0, 1) when nothing was seen."""
    if n == 0:
        return 0.0, 1.0
    p, zz = hits / n, z * z
    middle = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def timing(name: str, milliseconds: Sequence[float]) -> Timing:
    """p50 and p99 by nearest rank."""
    ordered = sorted(milliseconds)
    n = len(ordered)
    return Timing(name, n, ordered[n // 2], ordered[min(n - 1, math.ceil(0.99 * n) - 1)])


def counted(name: str, hits: int, n: int) -> Measured:
    low, high = wilson(hits, n)
    return Measured(name, n, hits, hits / n if n else 0.0, low, high)
