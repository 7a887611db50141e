"""Histories of a task's requests by which the contract's promise is put under stress.

- iid: requests drawn at random from the log;
- drift: at a random moment the local model becomes worse (good answers turn bad);
- mix: the mixture moves from the easiest half of the log to the hardest;
- biased: as iid, while users praise every local answer, so that the scores creep up to 1 and
  more and more stays local;
- adversary: the worst order: all good answers first, the bad ones after the certificate;
- poisoned: a second tenant sends four trivial requests under the same task's name for each of the
  first one's, which are of the harder half of the log, and lifts their scores by its praise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Draws = np.random.Generator
History = tuple[Floats, Floats]
"""Scores and losses of requests in their order, both of shape (n,)."""
VICTIM, RIVAL = "victim", "rival"
PRAISE = 0.2
"""Of what lacks to a perfect score, how much a rival's praise adds to it at most."""


def iid(scores: Floats, losses: Floats, n: int, draws: Draws) -> History:
    rows = draws.integers(0, len(scores), n)
    return scores[rows], losses[rows]


def drift(scores: Floats, losses: Floats, n: int, draws: Draws) -> History:
    picked, lost = iid(scores, losses, n, draws)
    start = int(draws.uniform(0.2, 0.9) * n)
    worse = draws.uniform(0.05, 0.6)
    turned = (np.arange(n) >= start) & (draws.random(n) < worse)
    return picked, np.where(turned, 1.0, lost)


def mix(scores: Floats, losses: Floats, n: int, draws: Draws) -> History:
    order = np.argsort(losses + 1e-3 * draws.random(len(losses)), kind="stable")
    easy, hard = np.array_split(order, 2)
    share = np.linspace(0.1, 0.9, n)
    pick = np.where(draws.random(n) < share, draws.choice(hard, n), draws.choice(easy, n))
    return scores[pick], losses[pick]


def biased(scores: Floats, losses: Floats, n: int, draws: Draws) -> History:
    picked, lost = iid(scores, losses, n, draws)
    start = draws.uniform(0.1, 0.6)
    praise = np.clip((np.linspace(0.0, 1.0, n) - start) / (1.0 - start), 0.0, 1.0)
    return picked + praise * (1.0 - picked), lost


def adversary(scores: Floats, losses: Floats, n: int, draws: Draws) -> History:
    picked, lost = iid(scores, losses, n, draws)
    order = np.argsort(lost, kind="stable")
    return picked[order], lost[order]


def poisoned(scores: Floats, losses: Floats, n: int, draws: Draws) -> History:
    """What the victim asks; `run` mixes the rival's requests in."""
    order = np.argsort(losses + 1e-3 * draws.random(len(losses)), kind="stable")
    rows = draws.choice(order[len(order) // 2 :], n)
    return scores[rows] + PRAISE * (1.0 - scores[rows]), losses[rows]


SCENARIOS: Mapping[str, Callable[[Floats, Floats, int, Draws], History]] = {
    "iid": iid,
    "drift": drift,
    "mix": mix,
    "biased": biased,
    "adversary": adversary,
    "poisoned": poisoned,
}
RIVAL_SHARES: Mapping[str, float] = {"poisoned": 0.8}
"""Of all requests what a rival sends, in scenarios with one."""


def asked(history: History, rival_share: float, draws: Draws) -> Iterator[tuple[str, float, float]]:
    """Who asks, with the score and the loss; a rival's requests are trivial."""
    for score, loss in zip(*(one.tolist() for one in history), strict=True):
        while rival_share and draws.random() < rival_share:
            yield RIVAL, 1.0, 0.0
        yield VICTIM, score, loss


def synthetic(n: int = 5000, *, good: float = 0.97, seed: int = 0) -> History:
    """A log to replay where there is none: a routine task whose local model is nearly as good."""
    draws = np.random.default_rng(seed)
    chance = np.clip(draws.beta(12 * good, 12 * (1 - good), n), 0.01, 0.999)
    wrong = draws.random(n) > chance
    luck = draws.random(n) < 0.01
    return chance, np.where(wrong, 1.0, np.where(luck, -1.0, 0.0))
