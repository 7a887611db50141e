"""`shortstop replay --contract`: try to break the promise, thousands of times.

Each replay draws a history from a log of pairs (score, loss of the local answer against the
frontier's), runs the real `Evidence` over it request by request with the real odds of being paired,
and counts what was really lost, audited or not.

`lost` is the mean loss over the whole history of the first tenant, escalated requests losing
nothing: the promise with scope "traffic". Broken means lost > max_loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from shortstop.config import Config, ContractConfig
from shortstop.evaluate.figures import binomial_lower, binomial_upper
from shortstop.evaluate.histories import RIVAL_SHARES, SCENARIOS, VICTIM, Draws, Floats, asked
from shortstop.routing.contract import Evidence, Promise
from shortstop.routing.pairing import pair_odds, pair_weight
from shortstop.routing.policies import TaskPolicies
from shortstop.routing.state import State

TASK = "task"
SHADOW_RATE = 0.25


class StressResult(Struct, frozen=True):
    """How often a scenario broke the promise, with the exact 95% interval of that rate."""

    scenario: str
    replays: int
    broken: int
    rate: float
    low: float
    high: float
    mean_lost: float
    local_share: float
    certified: float
    alarms: float
    answers_over: float

    @property
    def held(self) -> bool:
        """Whether the rate is at most 5% within its interval."""
        return self.low <= 0.05


class StressRun(Struct, frozen=True):
    """One history: mean loss over all requests and over local answers, share kept local."""

    lost: float
    local: float
    answers_lost: float
    alarms: int
    certified: bool


def policies(*, shared: bool) -> TaskPolicies:
    """`shared`: a task's evidence counts for all tenants (`contract.evidence`)."""
    contract = ContractConfig(evidence="shared" if shared else "tenant")
    return TaskPolicies({}, Config(contract=contract))


class ServedRequest(NamedTuple):
    """`kept`: the local answer was served. `odds` are those by which it was paired; None: it was
    not."""

    score: float
    loss: float
    kept: bool
    odds: float | None

    def teach(self, evidence: Evidence, promise: Promise) -> None:
        if self.odds is not None:
            weight = pair_weight(evidence, promise, SHADOW_RATE, self.odds)
            evidence.pair(
                self.score, self.loss, promise, odds=self.odds, weight=weight, audit=self.kept
            )


def serve(
    evidence: Evidence, score: float, loss: float, promise: Promise, draws: Draws
) -> ServedRequest:
    """Decide a request by the evidence, which learns of it."""
    kept = evidence.keeps(score, promise)
    evidence.credit(promise, kept=kept)
    odds = pair_odds(evidence, promise, SHADOW_RATE, served=kept)
    served = ServedRequest(score, loss, kept, odds if draws.random() < odds else None)
    served.teach(evidence, promise)
    return served


def run(
    scores: Floats,
    losses: Floats,
    promise: Promise,
    draws: Draws,
    *,
    rival_share: float = 0.0,
    shared: bool = False,
) -> StressRun:
    """One history of a tenant in one task; uncertified traffic escalates.

    A rival sends `rival_share` of all requests, each trivial; `shared`: its evidence counts for
    both.
    """
    owners, state, tally = policies(shared=shared), State(), _Outcome()
    for tenant, score, loss in asked((scores, losses), rival_share, draws):
        evidence = state.evidence_for(owners.owner(TASK, tenant), TASK)
        served = serve(evidence, score, loss, promise, draws)
        if tenant == VICTIM:
            tally.count(served.kept, loss, evidence)
    return tally.run(len(scores))


class _Outcome:
    """What one tenant's requests came to."""

    def __init__(self) -> None:
        self.lost, self.local, self.certified, self.alarms = 0.0, 0, False, 0

    def count(self, kept: bool, loss: float, evidence: Evidence) -> None:
        if kept:
            self.lost += loss
            self.local += 1
        self.certified = self.certified or evidence.certified is not None
        self.alarms = evidence.alarms

    def run(self, n: int) -> StressRun:
        answers_lost = self.lost / max(self.local, 1)
        return StressRun(self.lost / n, self.local / n, answers_lost, self.alarms, self.certified)


def replay(
    scores: Floats,
    losses: Floats,
    promise: Promise,
    *,
    replays: int = 1000,
    length: int = 4000,
    seed: int = 0,
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> list[StressResult]:
    """Every scenario `replays` times; a replay's history has `length` requests."""
    return [_verdict(name, scores, losses, promise, replays, length, seed) for name in scenarios]


def _verdict(
    name: str,
    scores: Floats,
    losses: Floats,
    promise: Promise,
    replays: int,
    length: int,
    seed: int,
) -> StressResult:
    runs = []
    share = RIVAL_SHARES.get(name, 0.0)
    for number in range(replays):
        draws = np.random.default_rng([seed, number])
        history = SCENARIOS[name](scores, losses, length, draws)
        runs.append(run(*history, promise, draws, rival_share=share))
    broken = sum(r.lost > promise.max_loss for r in runs)
    served = [r for r in runs if r.local > 0]
    return StressResult(
        scenario=name,
        replays=replays,
        broken=broken,
        rate=broken / replays,
        low=binomial_lower(broken, replays, 0.025),
        high=binomial_upper(broken, replays, 0.025),
        mean_lost=float(np.mean([r.lost for r in runs])),
        local_share=float(np.mean([r.local for r in runs])),
        certified=float(np.mean([r.certified for r in runs])),
        alarms=float(np.mean([r.alarms for r in runs])),
        answers_over=float(np.mean([r.answers_lost > promise.max_loss for r in served] or [False])),
    )
