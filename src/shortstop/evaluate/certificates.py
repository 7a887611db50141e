"""What share of requests may stay local for sure, and how often that turns out wrong."""

from __future__ import annotations

from math import log
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shortstop.evaluate.figures import (
    Figure,
    binomial_cdf,
    binomial_lower,
    binomial_upper,
    figure,
)
from shortstop.routing.bounds import log_e_value

Floats = NDArray[np.float64]

DELTA = 0.05
"""Probability with which a certificate may be wrong."""
LOCAL_SHARES: Floats = np.arange(0.1, 1.01, 0.02)
"""Shares of the requests that may stay local, strict to loose."""


class Certificate(Struct, frozen=True):
    """Local share that `labels` pairs certify (mean over replays, and the range of 95% of them),
    and how often the limit was broken on the rest of the rows (exact interval)."""

    method: str
    limit: float
    labels: int
    share: Figure
    broken: Figure


class Method(NamedTuple):
    """How a certificate is proven: on the `net` loss by betting, or on the count of errors by the
    exact binomial; over traffic, or `per_answer`."""

    name: str
    net: bool
    per_answer: bool


METHODS = (
    Method("errors over traffic, exact binomial", net=False, per_answer=False),
    Method("net loss over traffic, betting", net=True, per_answer=False),
    Method("errors per local answer, exact binomial", net=False, per_answer=True),
    Method("net loss per local answer, betting", net=True, per_answer=True),
)


def certify(
    scores: Floats, gap: Floats, *, limit: float = 0.05, labels: int = 1000, replays: int = 300
) -> list[Certificate]:
    """The certified local share by each of METHODS.

    `scores` (higher: more likely to escalate) and `gap` have shape (n,); `labels` random rows of
    them are paired in each of the `replays`, the rest shows what the certificate was worth.
    """
    return [_certificate(method, scores, gap, limit, labels, replays) for method in METHODS]


def _certificate(
    method: Method, scores: Floats, gap: Floats, limit: float, labels: int, replays: int
) -> Certificate:
    draws = np.random.default_rng(1)
    shares, broken = [], 0
    for _ in range(replays):
        order = draws.permutation(len(gap))
        labelled, rest = order[:labels], order[labels:]
        tau = learn_then_test(
            -scores[labelled],
            gap[labelled],
            limit,
            DELTA,
            net=method.net,
            per_answer=method.per_answer,
        )
        kept = -scores[rest] >= tau if tau is not None else np.zeros(len(rest), bool)
        loss = gap[rest] if method.net else np.maximum(gap[rest], 0.0)
        shares.append(float(kept.mean()))
        over = kept.sum() if method.per_answer else len(kept)
        lost = loss[kept].sum() / over if kept.any() else 0.0
        broken += bool(lost > limit)
    rate = Figure(
        broken / replays,
        round(binomial_lower(broken, replays, 0.025), 4),
        round(binomial_upper(broken, replays, 0.025), 4),
        replays,
    )
    share = figure(float(np.mean(shares)), shares, replays)
    return Certificate(method.name, limit, labels, share, rate)


def learn_then_test(
    scores: Floats,
    losses: Floats,
    alpha: float,
    delta: float,
    *,
    net: bool,
    per_answer: bool = False,
) -> float | None:
    """The lowest score that may stay local, or None when nothing can be proven.

    `scores` (higher: better local answers) and `losses`, in [-1, 1], have shape (n,). Fixed
    sequence: LOCAL_SHARES are tested from strict to loose at the full level `delta` each, and the
    first failure ends it; which scores these are depends on the scores alone. `net` bets on the
    paired loss; otherwise the count of losses above zero is tested against the exact binomial. The
    bound is on the mean over all traffic, where what escalates loses nothing; `per_answer` bounds
    the mean over what stays local.
    """
    order = np.argsort(-scores, kind="stable")
    sorted_losses, sorted_scores = losses[order], scores[order]
    lowest: float | None = None
    for n in _sizes(len(scores)):
        judged = sorted_losses[:n]
        if not per_answer:
            judged = np.concatenate([judged, np.zeros(len(scores) - n)])
        if net:
            proven = log_e_value(judged, alpha) >= -log(delta)
        else:
            proven = binomial_cdf(int((judged > 0).sum()), len(judged), alpha) <= delta
        if not proven:
            break
        lowest = float(sorted_scores[n - 1])
    return lowest


def _sizes(n: int) -> list[int]:
    return sorted({int(share * n) for share in LOCAL_SHARES if int(share * n) > 0})
