"""How well a ranking of requests spends frontier calls: RouteLLM's APGR, CPT50 and CPT80."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shortstop.evaluate.figures import Figure, bootstrap, figure

Floats = NDArray[np.float64]

TENTHS: Floats = np.linspace(0.0, 1.0, 11)


class Score(Struct, frozen=True):
    """How a router did on a benchmark.

    `apgr` is the mean share of the quality gap recovered over all shares of frontier calls; `cpt50`
    and `cpt80` are the least share of frontier calls, in percent, that recovers so much of it.
    `gap` is by how much the frontier is better; `curve` has one value for each of TENTHS.
    """

    router: str
    bench: str
    apgr: Figure
    cpt50: Figure
    cpt80: Figure
    gap: Figure
    curve: list[float]


def recovered(scores: Floats, small: Floats, big: Floats) -> Floats:
    """Share of the quality gap recovered when 0, 10, ... 100% with the highest scores ask the
    frontier: three arrays of shape (n,) -> (11,). Rows of one score are taken in proportion, so
    that chance decides no tie."""
    gap = big - small
    values, place = np.unique(-scores, return_inverse=True)
    sizes = np.bincount(place, minlength=len(values))
    sums = np.bincount(place, weights=gap, minlength=len(values))
    xs = np.concatenate([[0.0], np.cumsum(sizes)]) / len(scores)
    ys = np.concatenate([[0.0], np.cumsum(sums)])
    whole = ys[-1] if abs(ys[-1]) > 1e-12 else 1e-12
    curve: Floats = np.interp(TENTHS, xs, ys / whole)
    return curve


def apgr(curve: Floats) -> float:
    """The mean of a `recovered` curve; 0.5 for a router without an opinion."""
    return float(np.trapezoid(curve, TENTHS))


def cpt(curve: Floats, goal: float) -> float:
    """Least share of frontier calls, in percent, at which `goal` of the gap is recovered."""
    reached = int(np.argmax(curve >= goal))
    if reached == 0:
        return 0.0 if curve[0] >= goal else 100.0
    step = (goal - curve[reached - 1]) / (curve[reached] - curve[reached - 1])
    return 100.0 * float(TENTHS[reached - 1] + step * 0.1)


def score(
    router: str, bench: str, scores: Floats, small: Floats, big: Floats, *, boots: int = 200
) -> Score:
    """The figures of a ranking, with intervals from `boots` bootstrap draws."""
    n, gap = len(scores), big - small
    curve = recovered(scores, small, big)
    samples = list(bootstrap(n, boots))
    curves = [recovered(scores[rows], small[rows], big[rows]) for rows in samples]

    def of_curve(of: Callable[[Floats], float]) -> Figure:
        return figure(of(curve), [of(c) for c in curves], n)

    return Score(
        router,
        bench,
        of_curve(apgr),
        of_curve(lambda c: cpt(c, 0.5)),
        of_curve(lambda c: cpt(c, 0.8)),
        figure(float(gap.mean()), [float(gap[rows].mean()) for rows in samples], n),
        [round(float(v), 4) for v in curve],
    )
