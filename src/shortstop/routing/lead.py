"""Which of a task's specialists are asked before everybody else, and with which probability.

A specialist answers only what its gate is sure of and declines the rest unseen, so several may
stand in one plan: whoever declines costs milliseconds. It leads when its own pairs support it:
under a certificate while its account covers it; else, where tasks without a certificate may stay
local, when its answers were lately as good as `routing.min_score` asks. A canary leads on a share
of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from shortstop.routing.contract import Evidence
from shortstop.routing.estimates import Estimate
from shortstop.routing.policies import TaskPolicies
from shortstop.routing.state import State

CANARY_SHARES = ((20, 0.25), (0, 0.05))
"""The share of its requests that a canary answers, by how many of its served answers were compared,
at least."""


class Lead(NamedTuple):
    """The specialists that a plan begins with, the `threshold` that the first one had to reach, and
    the `propensity`, (0, 1], with which just these were drawn."""

    estimates: tuple[Estimate, ...] = ()
    reasons: tuple[str, ...] = ()
    threshold: float = 0.0
    propensity: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple([estimate.target.name for estimate in self.estimates])


class _Support(NamedTuple):
    """Why a specialist may answer, and the score that it had to reach."""

    reason: str
    threshold: float


class Precedence:
    """`chance` draws uniformly from [0, 1)."""

    def __init__(self, state: State, policies: TaskPolicies, chance: Callable[[], float]) -> None:
        self._state = state
        self._policies = policies
        self._chance = chance

    def all_of(self, specialists: Sequence[Estimate]) -> Lead:
        """Where nothing is weighed: all of them."""
        least = self._policies.config.routing.min_score
        return Lead(tuple(specialists), ("specialist",) if specialists else (), least)

    def draw(self, specialists: Sequence[Estimate], task: str, tenant: str) -> Lead:
        """`specialists` in the order in which they are asked."""
        chosen: list[tuple[Estimate, _Support]] = []
        reasons = {"specialist": None}
        propensity = 1.0
        for estimate in specialists:
            support = self._support(estimate, task, tenant)
            if support is None:
                continue
            if estimate.target.state == "canary":
                share = canary_share(estimate.evidence)
                drawn = self._chance() < share
                propensity *= share if drawn else 1.0 - share
                if not drawn:
                    continue
                reasons["canary"] = None
            reasons[support.reason] = None
            chosen.append((estimate, support))
        if not chosen:
            return Lead(propensity=propensity)
        threshold = chosen[0][1].threshold
        return Lead(tuple([one for one, _ in chosen]), tuple(reasons), threshold, propensity)

    def _support(self, estimate: Estimate, task: str, tenant: str) -> _Support | None:
        evidence, policies = estimate.evidence, self._policies
        if evidence.standing == "alarm":
            return None
        if evidence.certified is not None:
            kept = evidence.keeps(estimate.evident, policies.promise(task))
            return _Support("contract", evidence.certified) if kept else None
        if policies.contract(task).uncertified == "escalate":
            return None
        if self._state.overall_of(policies.overall_owner(tenant)).standing == "alarm":
            return None
        least = policies.config.routing.min_score
        good = estimate.known and estimate.score >= least
        return _Support("estimate", least) if good else None


def canary_share(evidence: Evidence) -> float:
    """In (0, 1)."""
    return next(share for least, share in CANARY_SHARES if evidence.audited >= least)
