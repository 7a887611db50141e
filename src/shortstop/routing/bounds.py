"""Statistics that hold for any sample size: exact binomial tests, bets on a bounded mean.

Losses are paired: frontier's quality minus the local answer's, in [-1, 1]. A local answer that is
better than the frontier's pays back (a negative loss), which a bound on errors alone cannot see.

Betting: a gambler who starts with 1 and bets against "the mean loss is at least alpha" has, if
that is true, more than 1/delta at any time with probability at most delta (Ville). So wealth of
1/delta is proof. The stake is mixed over a grid, which is again a fair bet and needs no tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, log1p

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STAKES: Floats = np.geomspace(0.02, 0.95, 14)
"""Shares of the largest stake that cannot bankrupt the gambler."""


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(Bin(n, p) <= k), exact."""
    if k < 0:
        return 0.0
    if k >= n or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    odds = [_log_pmf(i, n, p) for i in range(k + 1)]
    top = max(odds)
    return min(1.0, exp(top) * sum(exp(v - top) for v in odds))


def _log_pmf(i: int, n: int, p: float) -> float:
    choose = lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1)
    return choose + i * log(p) + (n - i) * log1p(-p)


def binomial_upper(k: int, n: int, delta: float) -> float:
    """Clopper-Pearson: the largest rate that k of n does not refute at level delta."""
    if n == 0 or k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_cdf(k, n, middle) > delta else (low, middle)
    return high


def binomial_lower(k: int, n: int, delta: float) -> float:
    """The smallest rate that k of n does not refute at level delta."""
    return 1.0 - binomial_upper(n - k, n, delta) if n else 0.0


def log_bets(losses: Floats, alpha: float, weight: float = 1.0) -> Floats:
    """log(1 + stake * weight * (alpha - loss)), one row for every stake. Wealth grows when good."""
    stakes = STAKES / (1.0 - alpha)
    return np.log1p(np.multiply.outer(stakes, weight * (alpha - losses)))


def log_alarms(losses: Floats, alpha: float, weight: float = 1.0) -> Floats:
    """The opposite bets: wealth grows when the loss is above alpha."""
    stakes = STAKES / (1.0 + alpha)
    return np.log1p(np.multiply.outer(stakes, weight * (losses - alpha)))


def mixed(log_wealth: Floats) -> float:
    """Log of the mean wealth over the stakes (first axis)."""
    top = float(log_wealth.max())
    return top + log(float(np.exp(log_wealth - top).mean()))


def mixed_rows(log_wealth: Floats) -> Floats:
    """`mixed` of each row, the stakes being the second axis."""
    top = log_wealth.max(axis=1)
    found: Floats = top + np.log(np.exp(log_wealth - top[:, None]).mean(axis=1))
    return found


def log_e_value(losses: Floats, alpha: float) -> float:
    """Evidence against "the mean loss is at least alpha"; 1/delta of it is proof."""
    if len(losses) == 0:
        return 0.0
    return mixed(log_bets(losses, alpha).sum(axis=1))


def upper_mean(losses: Floats, delta: float, steps: int = 40) -> float:
    """An upper bound on the mean of losses in [-1, 1] that fails with probability delta."""
    low, high = float(np.mean(losses)) if len(losses) else 0.999, 0.999
    for _ in range(steps):
        middle = (low + high) / 2
        proven = middle > -1 and log_e_value(losses, middle) >= -log(delta)
        low, high = (low, middle) if proven else (middle, high)
    return high


def learn_then_test(
    scores: Floats,
    losses: Floats,
    alpha: float,
    delta: float,
    *,
    net: bool,
    per_answer: bool = False,
    start: float = 0.1,
    step: float = 0.02,
) -> float | None:
    """The lowest score that may stay local, or None when nothing can be proven.

    Fixed sequence: local shares start, start + step, ... are tested from strict to loose at the
    full level delta each, and the first failure ends it; which shares are tested depends on the
    scores alone. `net` bets on the paired loss; otherwise the count of losses above zero is tested
    against the exact binomial. The bound is on the mean over all traffic, where what escalates
    loses nothing; `per_answer` bounds the mean over what stays local.
    """
    order = np.argsort(-scores, kind="stable")
    sorted_losses, sorted_scores = losses[order], scores[order]
    shares = np.arange(start, 1.0 + step / 2, step)
    found: float | None = None
    for n in _sizes(shares, len(scores)):
        judged = sorted_losses[:n]
        if not per_answer:
            judged = np.concatenate([judged, np.zeros(len(scores) - n)])
        if net:
            proven = log_e_value(judged, alpha) >= -log(delta)
        else:
            proven = binomial_cdf(int((judged > 0).sum()), len(judged), alpha) <= delta
        if not proven:
            break
        found = float(sorted_scores[n - 1])
    return found


def _sizes(shares: Sequence[float] | Floats, n: int) -> list[int]:
    return sorted({int(share * n) for share in shares if int(share * n) > 0})


def must_escalate(mu: float, alpha: float) -> float:
    """The least share that must be escalated whatever the router does, were it an oracle."""
    return min(1.0, max(0.0, (mu - alpha) / (1.0 - alpha)))


def labels_for_proof(mean: float, second: float, alpha: float, delta: float) -> float:
    """About how many more pairs prove a mean loss below alpha, if they go on as so far."""
    stakes = STAKES / (1.0 - alpha)
    drift = alpha - mean
    spread = second - 2 * alpha * mean + alpha * alpha
    growth = float((stakes * drift - stakes * stakes * spread / 2).max())
    return -log(delta) / growth if growth > 1e-9 else float("inf")
