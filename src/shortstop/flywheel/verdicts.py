"""What the verdicts of a judge are worth in a proof.

A judge is a model, and no gold. A verdict is a win or nothing: where both grades are much the same
or change places with the answers, nobody has judged. Where it rules, it may be too kind to the
specialist. That *bias* is the mean, over the requests on which it ruled, of the true loss less the
loss by its verdict. It is added to each verdict in a proof, which therefore holds for the true loss
as long as the bias is no larger.

It is taken to be twice the share `error` of verdicts that find the worse answer better: it is no
more if a judge rules so in that share of the cases in which the frontier is right, and is not
partial where both are wrong. Where people have checked enough of its verdicts they are believed
instead, if they prove a smaller bias or show a larger one; measuring it takes its part of the error
of the proof. They must have chosen what they read without knowing the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shortstop.routing.bounds import mean_at_most

LEAST_CHECKED = 20
"""Verdicts that people have checked from which on these count."""
MEASURING = 0.2
"""Share of a proof's error that is spent on measuring the judge."""


class BothGrades(NamedTuple):
    """How good both answers are, in [0, 1]."""

    reference: float
    candidate: float


TRIAL = 5.0
"""How many times as often as a proof that of a trial may err. Both must hold for a promotion, so
the error of the whole is no larger than the first one's; the trial shows that what is served is
what was asked unseen."""


class Doubt(NamedTuple):
    """How much too small a loss by a judge's verdict may be, on the mean: `bias`. A proof may err
    with `alpha`. `checked` of the verdicts were checked by people, who say what it is where it is
    `measured`."""

    bias: float
    alpha: float
    checked: int = 0
    measured: bool = False

    @property
    def on_trial(self) -> Doubt:
        """What a trial may err with: whoever is on it has been proven before."""
        return self._replace(alpha=min(0.5, TRIAL * self.alpha))


def doubt_of(slips: Sequence[float], error: float, alpha: float) -> Doubt:
    """`slips` are true losses less those by the judge's verdicts, each in [-2, 2], in order of
    time; `error` is what is assumed where they say nothing, in [0, 0.5]."""
    assumed = Doubt(2 * error, alpha, len(slips))
    if len(slips) < LEAST_CHECKED:
        return assumed
    halves = np.array(slips, np.float64) / 2
    bound = max(0.0, 2 * mean_at_most(halves, MEASURING * alpha))
    if assumed.bias <= bound and 2 * float(halves.mean()) <= assumed.bias:
        return assumed
    return Doubt(bound, (1 - MEASURING) * alpha, len(slips), measured=True)
