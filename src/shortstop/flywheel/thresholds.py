"""From which confidence on an opinion is served: by the lower confidence bound of being right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.opinion import NEVER

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

Z = 1.28
"""Standard errors of Wilson's lower bound, one-sided 90 %. The best of all thresholds is taken, so
that the bound is looked at many times. At 0.84 (80 %) 10 to 24 of 100 draws of 200 to 1,000 rows
serve what is right less often than promised by over half a point, at 1.28 it is 4 to 10, for 1 to 3
points of the share served (simulated; docs/lab.md)."""
LEAST_SERVED = 20
"""Opinions above a threshold before it may be chosen."""
SUREST = 0.3
"""Share of the opinions, the surest ones, whose agreement is the best there is."""
FEW_SUREST = 100
LEAST_ATTAINABLE = 0.9
"""A teacher that is consistent less often is none to learn from, and its task is refused."""


def threshold(
    confidence: Sequence[float] | Floats,
    right: Sequence[bool] | Sequence[float] | Bools,
    target: float,
) -> float:
    """The confidence of the least sure right opinion from which on they are right with at least
    `target`, in (0, 1), by Wilson's lower bound; NEVER where there is none. What is less sure than
    that and was wrong is not served because the surer ones leave room for it. `right` is a share
    where a judge who errs said so.

    The pairs must be held out: out of fold, or from shadow traffic.
    """
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    scores = np.asarray(confidence, np.float64)[order]
    hits = np.cumsum(np.asarray(right, np.float64)[order])
    n = np.arange(1, len(order) + 1, dtype=np.float64)
    ends = np.append(scores[1:] < scores[:-1], True) if len(scores) else np.zeros(0, bool)
    good = np.flatnonzero((_bound(hits, n, -Z) >= target) & (n >= LEAST_SERVED) & ends)
    if not len(good):
        return NEVER
    last_right = int(np.searchsorted(hits, hits[good[-1]]))
    return float(scores[max(last_right, LEAST_SERVED - 1)])


def attainable(confidence: Sequence[float] | Floats, right: Sequence[bool] | Bools) -> float:
    """How often answers can agree with a teacher that errs, in [LEAST_ATTAINABLE, 1]: as often as
    the surest ones do, by the upper bound. Where a model is surest it is hardly ever wrong itself;
    what it still disagrees with are mostly the teacher's slips."""
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    told = np.asarray(right, np.float64)[order[: surest(len(order))]]
    if len(told) < FEW_SUREST:
        return 1.0
    bound = float(_bound(np.array([told.sum()]), np.array([float(len(told))]), Z)[0])
    return min(1.0, max(LEAST_ATTAINABLE, bound))


def surest(opinions: int) -> int:
    """How many of so many opinions are the surest ones."""
    return round(SUREST * opinions)


def at_most(right: float, n: int) -> float:
    """Wilson's upper bound of a share of `n` rows."""
    if not n:
        return 1.0
    return float(_bound(np.array([right * n]), np.array([float(n)]), Z)[0])


def _bound(hits: Floats, n: Floats, z: float) -> Floats:
    """Wilson's lower bound for negative z, its upper one for positive."""
    share = hits / n
    centre = share + z * z / (2 * n)
    return (centre + z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
