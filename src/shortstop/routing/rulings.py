"""Whether a general local model or the frontier goes first, and why. Explored with known odds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from shortstop.config import TaskConfig
from shortstop.routing.constraints import Field
from shortstop.routing.estimates import Estimate
from shortstop.routing.expected_cost import Option, PricedChoice, QualityPrice, choose
from shortstop.routing.policies import TaskPolicies, key_of
from shortstop.routing.state import Costs, State
from shortstop.routing.sticky import Stickiness
from shortstop.types import Caller, Party, Request, Target

UNKNOWN_COSTS = Costs()
UNKNOWN_USD = {True: 0.00005, False: 0.005}
"""US dollars of a call to a local (True) or remote target whose price was never seen."""
Waits = Callable[[str, Party], float]
"""Seconds that a request of that party would wait now before the target begins with it."""
UNKNOWN_SECONDS = {True: 1.0, False: 2.0}
DEAREST_TRIAL = 0.001
"""Quality that exploration may cost on the mean of a task's requests, as a share of an answer."""


def NO_WAITS(target: str, party: Party) -> float:
    """Nobody waits, or nobody knows."""
    return 0.0


class Situation(NamedTuple):
    """A request with everything that is known of it when it is weighed. `specialists` are those of
    its task in the order in which they are asked, `local` general models, the best first."""

    request: Request
    caller: Caller
    task: str
    declared: TaskConfig
    field: Field
    specialists: list[Estimate]
    local: list[Estimate]
    remote: tuple[Target, ...]


class Ruling(NamedTuple):
    """Before exploration: which side goes first, with which threshold, and why. `only` these
    targets may answer, where it is not empty."""

    local_first: bool
    threshold: float
    reasons: tuple[str, ...]
    explorable: bool = False
    verify: bool = True
    only: tuple[str, ...] = ()


def trial_odds(exploration: float, lost: float) -> float:
    """The probability with which the other choice is tried, where it is expected to lose `lost` of
    an answer's quality: `exploration`, (0, 0.5], where that is nothing, and so little that trying
    never costs more than DEAREST_TRIAL. Inverse gap weighting (Abe and Long 1999; Foster and
    Rakhlin 2020, SquareCB)."""
    return exploration / (1.0 + exploration * max(0.0, lost) / DEAREST_TRIAL)


class Rulings:
    """`chance` draws uniformly from [0, 1). What is waited for now is charged like what a call
    takes: a good local answer is not worth any queue."""

    def __init__(
        self,
        state: State,
        policies: TaskPolicies,
        chance: Callable[[], float],
        waits: Waits = NO_WAITS,
    ) -> None:
        routing = policies.config.routing
        self._state = state
        self._policies = policies
        self._routing = routing
        self._chance = chance
        self._waits = waits
        self._price = QualityPrice(routing.usd_per_point, routing.usd_per_second)
        self._sticky = Stickiness(state, policies.targets)

    def rule(self, situation: Situation) -> tuple[Ruling, float, bool]:
        """The ruling or, as drawn, its opposite; the probability of this, and whether it was."""
        ruling = self.fixed(situation) or self._judged(situation)
        if not ruling.explorable or self._routing.exploration <= 0:
            return ruling, 1.0, False
        lost = 0.0 if ruling.local_first else situation.local[0].gap
        epsilon = trial_odds(self._routing.exploration, lost)
        if self._chance() >= epsilon:
            return ruling, 1.0 - epsilon, False
        reasons = (*ruling.reasons, "exploration")
        return Ruling(not ruling.local_first, ruling.threshold, reasons), epsilon, True

    def ranked(
        self, estimates: list[Estimate], remote: Sequence[Target], party: Party
    ) -> list[Estimate]:
        """The preferred one of `estimates`, those under a certificate, those believed good enough
        by what they cost, the others by how good they are."""
        if len(estimates) < 2:
            return estimates
        return sorted(estimates, key=lambda estimate: self._rank(estimate, remote, party))

    def fixed(self, situation: Situation) -> Ruling | None:
        """What is decided without weighing anything."""
        least = self._routing.min_score
        if not situation.remote:
            return Ruling(True, least, ("pinned" if situation.field.pinned else "no-frontier",))
        if not (situation.local or situation.specialists):
            return Ruling(False, least, ("no-local",))
        if situation.declared.route != "auto":
            local_first = situation.declared.route == "local" and bool(situation.local)
            return Ruling(local_first, least, ("task-rule",), verify=False)
        bound = self._sticky.bound(situation.request, situation.caller, situation.field.targets)
        if bound is not None:
            maker = bound.maker
            if maker is None:
                remote = tuple([target.name for target in situation.remote])
                return Ruling(False, least, ("sticky",), only=remote)
            return Ruling(maker.local, least, ("sticky",), verify=False, only=(maker.name,))
        return None if situation.local else Ruling(False, least, ("no-local",))

    def _judged(self, situation: Situation) -> Ruling:
        """By the evidence of the best local model, else by what is expected of it."""
        best = situation.local[0]
        evidence = best.evidence
        if evidence.standing == "alarm":
            return Ruling(False, 1.0, ("alarm",))
        if evidence.certified is not None:
            return self._certified(situation, best, evidence.certified)
        if self._policies.contract(situation.task).uncertified == "escalate":
            return Ruling(False, 1.0, ("uncertified",))
        owner = self._policies.overall_owner(situation.caller.tenant)
        if self._state.overall_of(owner).standing == "alarm":
            return Ruling(False, 1.0, ("overall-alarm",))
        return self._estimated(situation, best)

    def _certified(self, situation: Situation, best: Estimate, tau: float) -> Ruling:
        local = best.evidence.keeps(best.score, self._policies.promise(situation.task))
        stays = self._sticky.stays(situation.request, situation.caller, best.score - tau)
        if stays is not None and (stays is False or local):
            return Ruling(stays, tau, ("contract", "sticky"))
        if local and self._queued(situation, best):
            return Ruling(False, tau, ("contract", "queue"))
        return Ruling(local, tau, ("contract",), explorable=local)

    def _estimated(self, situation: Situation, best: Estimate) -> Ruling:
        least = self._routing.min_score
        if not best.known:
            why = "out-of-domain" if best.evidence.pairs else "cold-start"
            return Ruling(False, least, (why,))
        stays = self._sticky.stays(situation.request, situation.caller, best.score - least)
        if stays is not None:
            return Ruling(stays, least, ("estimate", "sticky"))
        choice = self._choice(best, situation.remote, situation.request.party)
        local = best.score >= least and choice.way != "ask-frontier"
        return Ruling(local, least, ("estimate",), explorable=True)

    def _rank(
        self, estimate: Estimate, remote: Sequence[Target], party: Party
    ) -> tuple[bool, bool, bool, float, float]:
        good = estimate.known and estimate.score >= self._routing.min_score and bool(remote)
        return (
            estimate.target.name != self._routing.local,
            estimate.evidence.certified is None,
            not good,
            self._choice(estimate, remote, party).cost if good else 0.0,
            estimate.gap,
        )

    def _queued(self, situation: Situation, best: Estimate) -> bool:
        """Whether a good local answer would come so late that the frontier's costs less."""
        party = situation.request.party
        if not self._waits(best.target.name, party):
            return False
        choice = self._choice(best, situation.remote, party, gap=0.0)
        return choice.way == "ask-frontier"

    def _choice(
        self,
        estimate: Estimate,
        remote: Sequence[Target],
        party: Party,
        gap: float | None = None,
    ) -> PricedChoice:
        gap = estimate.gap if gap is None else gap
        return choose(
            [self.option(estimate.target, gap, party)],
            [self.option(target, 0.0, party) for target in remote],
            self._price,
        )

    def option(self, target: Target, gap: float, party: Party) -> Option:
        """What one call is expected to cost."""
        cost = self._state.costs.get(key_of(target), UNKNOWN_COSTS)
        usd = self._routing.usd_per_call.get(target.name, cost.usd)
        return Option(
            target.name,
            gap,
            UNKNOWN_USD[target.local] if usd is None else usd,
            (UNKNOWN_SECONDS[target.local] if cost.seconds is None else cost.seconds)
            + self._waits(target.name, party),
        )
