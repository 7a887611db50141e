"""The contract's stress test over replicas: each machine serves some of a task's requests, and
learns of the others' a little later."""

from __future__ import annotations

from collections import deque

from shortstop.evaluate.contract_stress import TASK, ServedRequest, policies, serve
from shortstop.evaluate.histories import RIVAL_SHARES, SCENARIOS, VICTIM, Draws, History, asked
from shortstop.routing.contract import Evidence, Promise
from shortstop.routing.policies import TaskPolicies
from shortstop.routing.state import State


class _Informed:
    """One of several, with what it has learned and what is on its way to it from each of them."""

    def __init__(self, machines: int, policies: TaskPolicies) -> None:
        self._state, self._policies = State(), policies
        self._ways: list[deque[tuple[int, str, ServedRequest]]] = [deque() for _ in range(machines)]

    def evidence(self, tenant: str) -> Evidence:
        return self._state.evidence_for(self._policies.owner(TASK, tenant), TASK)

    def send(self, sender: int, due: int, tenant: str, served: ServedRequest) -> None:
        """What one machine sends arrives in its order."""
        way = self._ways[sender]
        way.append((max(due, way[-1][0] if way else 0), tenant, served))

    def hear(self, now: int, promise: Promise) -> None:
        for way in self._ways:
            while way and way[0][0] <= now:
                _, tenant, served = way.popleft()
                evidence = self.evidence(tenant)
                evidence.credit(promise, kept=served.kept)
                served.teach(evidence, promise)


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
    owners = policies(shared=shared)
    machines = [_Informed(replicas, owners) for _ in range(replicas)]
    lost, local = 0.0, 0
    for now, (tenant, score, loss) in enumerate(asked(history, rival_share, draws)):
        here = int(draws.integers(replicas))
        machine = machines[here]
        machine.hear(now, promise)
        served = serve(machine.evidence(tenant), score, loss, promise, draws)
        for there, other in enumerate(machines):
            if there != here:
                other.send(here, now + int(draws.integers(lag + 1)), tenant, served)
        if tenant == VICTIM:
            lost, local = lost + loss * served.kept, local + served.kept
    return lost / len(history[0]), local / len(history[0])


def broken(name: str, log: History, promise: Promise, seeds: list[Draws], length: int) -> int:
    """How many of so many histories of a scenario break the promise, with three replicas that are
    up to 50 requests behind."""
    count, share = 0, RIVAL_SHARES.get(name, 0.0)
    for draws in seeds:
        history = SCENARIOS[name](*log, length, draws)
        lost, _ = lost_by_replicas(history, promise, draws, replicas=3, lag=50, rival_share=share)
        count += lost > promise.max_loss
    return count
