"""The arithmetic of reports over seconds and stretches of time. Knows no store.

Percentiles are by nearest rank over the seconds of answered requests, first byte in to last out.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from shortstop.types.report import Bin

_EDGES = (0.0, *(
    round(digit * 10.0**power, 6) for power in range(-3, 3) for digit in (1, 1.5, 2, 3, 5, 7)
), 1e9)  # fmt: skip
_STEPS = (1, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
_MOST_POINTS = 96


class Latencies:
    """Seconds of local and of remote answers, each in growing order, as they are added."""

    __slots__ = ("local", "remote")

    def __init__(self) -> None:
        self.local = array("d")
        self.remote = array("d")

    def add(self, local: object, seconds: float) -> None:
        (self.local if local else self.remote).append(seconds)

    @property
    def all(self) -> list[float]:
        return sorted(self.local + self.remote)


def percentiles(ordered: Sequence[float]) -> tuple[float | None, float | None]:
    """p50 and p95 of numbers in growing order; None where there are none."""
    if not ordered:
        return None, None
    return ordered[_rank(50, len(ordered)) - 1], ordered[_rank(95, len(ordered)) - 1]


def _rank(percent: int, count: int) -> int:
    """The place, from 1, of a percentile among `count` numbers in growing order."""
    return -(-percent * count // 100)


def histogram(latencies: Latencies, share: float = 1.0) -> tuple[Bin, ...]:
    """Counts between fixed edges, empty ends cut off; `latencies` are that share of all answers."""

    def counts(ordered: Sequence[float]) -> list[int]:
        places = [bisect_left(ordered, edge) for edge in _EDGES]
        return [round((after - before) / share) for before, after in pairwise(places)]

    bins = [
        Bin(low, high, local, remote)
        for (low, high), local, remote in zip(
            pairwise(_EDGES), counts(latencies.local), counts(latencies.remote), strict=True
        )
    ]
    full = [i for i, one in enumerate(bins) if one.local or one.remote]
    return tuple(bins[full[0] : full[-1] + 1]) if full else ()


def timeline_step(first: float | None, last: float | None) -> float:
    """Seconds in one stretch of a timeline from `first` to `last` that has not too many."""
    length = (last or 0) - (first or 0)
    return next((s for s in _STEPS if length / s <= _MOST_POINTS), _STEPS[-1])
