"""The contract's stress test over replicas: each machine serves some of a task's requests, and
learns of the others' a little later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from shortstop.config import Config, ContractConfig
from shortstop.evaluate.contract_stress import (
    POISONED,
    RIVAL_SHARE,
    SCENARIOS,
    TASK,
    VICTIM,
    Draws,
    History,
    asked,
)
from shortstop.routing.contract import Evidence, Promise
from shortstop.routing.pairing import pair_odds, pair_weight
from shortstop.routing.policies import TaskPolicies
from shortstop.routing.state import State

SHADOW_RATE = 0.25
Change = Callable[[Evidence], None]
"""What a request teaches whoever hears of it."""


class _Informed:
    """One of several, with what it has learned and what is on its way to it from each of them."""

    def __init__(self, machines: int, policies: TaskPolicies) -> None:
        self._state, self._policies = State(), policies
        self._ways: list[deque[tuple[int, str, Change]]] = [deque() for _ in range(machines)]

    def evidence(self, tenant: str) -> Evidence:
        return self._state.evidence_for(self._policies.owner(TASK, tenant), TASK)

    def send(self, sender: int, due: int, tenant: str, change: Change) -> None:
        """What one machine sends arrives in its order."""
        way = self._ways[sender]
        way.append((max(due, way[-1][0] if way else 0), tenant, change))

    def hear(self, now: int) -> None:
        for way in self._ways:
            while way and way[0][0] <= now:
                _, tenant, change = way.popleft()
                change(self.evidence(tenant))


def lost_by_replicas(
    history: History,
    promise: Promise,
    draws: Draws,
    *,
    replicas: int,
    lag: int,
    rival_share: float = 0.0,
    shared: bool = False,
) -> tuple[float, float]:
    """The mean loss over one history, and the share that stayed local. What a replica has seen the
    others learn at some time within the next `lag` requests, in its order; uncertified traffic
    escalates. A rival sends `rival_share` of all requests; `shared`: its evidence counts too."""
    contract = ContractConfig(evidence="shared" if shared else "tenant")
    policies = TaskPolicies({}, Config(contract=contract))
    machines = [_Informed(replicas, policies) for _ in range(replicas)]
    lost, local = 0.0, 0
    for now, (tenant, score, loss) in enumerate(asked(history, rival_share, draws)):
        here = int(draws.integers(replicas))
        machine = machines[here]
        machine.hear(now)
        kept, change = _served(machine.evidence(tenant), score, loss, promise, draws)
        change(machine.evidence(tenant))
        for there, other in enumerate(machines):
            if there != here:
                other.send(here, now + int(draws.integers(lag + 1)), tenant, change)
        if tenant == VICTIM:
            lost, local = lost + loss * kept, local + kept
    return lost / len(history[0]), local / len(history[0])


def _served(
    evidence: Evidence, score: float, loss: float, promise: Promise, draws: Draws
) -> tuple[bool, Change]:
    kept = evidence.keeps(score, promise)
    odds = pair_odds(evidence, promise, SHADOW_RATE, served=kept)
    drawn = bool(draws.random() < odds)

    def change(heard: Evidence) -> None:
        heard.credit(promise, kept=kept)
        if drawn:
            weight = pair_weight(heard, promise, SHADOW_RATE, odds)
            heard.pair(score, loss, promise, odds=odds, weight=weight, audit=kept)

    return kept, change


def broken(name: str, log: History, promise: Promise, seeds: list[Draws], length: int) -> int:
    """How many of so many histories of a scenario break the promise, with three replicas that are
    up to 50 requests behind."""
    count, share = 0, RIVAL_SHARE if name in POISONED else 0.0
    for draws in seeds:
        history = SCENARIOS[name](*log, length, draws)
        lost, _ = lost_by_replicas(history, promise, draws, replicas=3, lag=50, rival_share=share)
        count += lost > promise.max_loss
    return count
