"""Whether the engine serves what was trained.

The engine computes with the model's quantised weights and an adapter of 16 bits, training with the
same weights unpacked: what both find likely differs a little. A mistake in the conversion, an
adapter that was not applied or a prompt that is rendered otherwise makes it differ a lot.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from shortstop.flywheel.adapter.messages import Scored

LEAST_AGREED = 0.9
"""Share of the served tokens that must be the likeliest in training, too."""
MOST_APART = 0.1
"""Nats by which the mean log-probability of a served token may differ."""
PROBES = 16
"""Answers that are compared."""


class Parity(NamedTuple):
    """`answers` compared; `agreed` is the share of their tokens that both find likeliest, `apart`
    the mean distance of the mean log-probabilities of an answer, in nats."""

    answers: int
    agreed: float
    apart: float

    @property
    def holds(self) -> bool:
        return self.answers > 0 and self.agreed >= LEAST_AGREED and self.apart <= MOST_APART

    def __str__(self) -> str:
        return (
            f"{self.agreed:.1%} of the tokens of {self.answers} served answers are the likeliest in"
            f" training, and their mean log-probability is {self.apart:.3f} nats apart"
        )


def parity(confidence: Sequence[float], scored: Scored) -> Parity:
    """`confidence` is the geometric mean of the tokens' probabilities of each answer, as served."""
    n = len(confidence)
    if not n:
        return Parity(0, 0.0, 0.0)
    pairs = zip(confidence, scored.logprobs, strict=True)
    apart = [abs(log(max(served, 1e-9)) - trained) for served, trained in pairs]
    return Parity(n, sum(scored.agreed) / n, sum(apart) / n)
