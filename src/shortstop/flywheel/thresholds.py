"""From which confidence on an opinion is served: by the lower confidence bound of being right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shortstop.specialists.opinion import NEVER

Z = 0.84
"""Standard errors of Wilson's lower bound (one-sided 80 %): a point estimate overshoots the share
that may be served, a 95 % bound wastes half of it (measured on shop bots and receipts)."""
LEAST_SERVED = 20
"""Opinions above a threshold before it may be chosen."""


def threshold(confidence: Sequence[float], right: Sequence[bool], target: float) -> float:
    """The lowest confidence from which on opinions are right with at least `target`, in (0, 1), by
    Wilson's lower bound; NEVER where there is none.

    The pairs must be held out: out of fold, or from shadow traffic.
    """
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    scores = np.asarray(confidence, np.float64)[order]
    hits = np.cumsum(np.asarray(right, np.float64)[order])
    n = np.arange(1, len(order) + 1, dtype=np.float64)
    share = hits / np.maximum(n, 1)
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * np.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    ends = np.append(scores[1:] < scores[:-1], True) if len(scores) else np.zeros(0, bool)
    good = np.flatnonzero((centre - half >= target) & (n >= LEAST_SERVED) & ends)
    return float(scores[good[-1]]) if len(good) else NEVER
