"""Which answers are compared: blind draws with known odds, logged with the decision.

The reference of a request is its frontier (`routing.frontier`, else the first remote target that
may serve it); the contract speaks of what is lost against it. Where no remote target may serve a
request, answers are compared with the one that was served: such pairs are graded and kept, and are
no evidence for the contract.

A live candidate is compared where it is served (an audit, with odds that its account sets) or where
the frontier is (a shadow run). A target in the state "shadow" has draws of its own, with the odds
of a shadow run whoever is served, so that its pairs are a fair sample of the traffic; where a local
model is served, its draw has the frontier asked too, unseen. Each request is credited to one
account, the first candidate's.
"""

from __future__ import annotations

from collections.abc import Sequence

from shortstop.routing.chance import draw
from shortstop.routing.contract import SETUP_PAIRS, Evidence, Promise
from shortstop.routing.estimates import Estimate
from shortstop.routing.policies import TaskPolicies
from shortstop.routing.state import Candidate, State
from shortstop.types import Target


def pair_odds(evidence: Evidence, promise: Promise, shadow_rate: float, *, served: bool) -> float:
    """The probability with which a candidate's answer is compared now; `served`: it is the one that
    the client gets."""
    if served:
        return evidence.audit_odds(promise)
    return 1.0 if evidence.pairs < SETUP_PAIRS and shadow_rate > 0 else shadow_rate


def pair_weight(evidence: Evidence, promise: Promise, shadow_rate: float, odds: float) -> float:
    """The weight, in (0, 1], of a pair that was drawn with probability `odds`: the least
    probability of being drawn at this time divided by it."""
    least = odds
    if evidence.certified is not None:
        least = min(odds, evidence.audit_odds(promise), shadow_rate)
    return least / odds if least > 0 else 1.0


class Pairing:
    """Draws from the state's seed and counter."""

    def __init__(self, state: State, policies: TaskPolicies) -> None:
        self._state = state
        self._policies = policies
        self._rate = policies.config.routing.shadow_rate

    def draw(
        self,
        task: str,
        first: Target,
        reference: str | None,
        live: Sequence[Estimate],
        shadow: Sequence[Estimate],
    ) -> tuple[list[Candidate], tuple[str, ...]]:
        """The candidates of a request whose plan begins with `first`, and the targets that are
        asked unseen.

        `reference` names the frontier, None where none may serve; `live` are the local targets in
        the order of the plan, `shadow` those that may only be compared.
        """
        candidates = []
        if live:
            candidates.append(self._live(task, compared(live, first), first, reference))
        for estimate in shadow:
            credited = not candidates and reference is not None
            candidates.append(self._shadow(task, estimate, reference, credited))
        drawn = [candidate for candidate in candidates if candidate.drawn]
        asked = tuple([candidate.target for candidate in drawn if not candidate.audit])
        if drawn and first.local and reference is not None:
            asked = (reference, *asked)
        return candidates, asked

    def chance(self) -> float:
        """The next draw, uniform in [0, 1)."""
        self._state.draws += 1
        return draw(self._state.seed, self._state.draws)

    def _live(
        self, task: str, estimate: Estimate, first: Target, reference: str | None
    ) -> Candidate:
        candidate = Candidate(estimate.target.name, estimate.score)
        if reference is None:
            return candidate
        promise = self._policies.promise(task)
        estimate.evidence.credit(promise, kept=first.local)
        odds = pair_odds(estimate.evidence, promise, self._rate, served=first.local)
        candidate.audit = first.local
        candidate.inclusion = odds
        candidate.drawn = self._drawn(odds)
        return candidate

    def _shadow(
        self, task: str, estimate: Estimate, reference: str | None, credited: bool
    ) -> Candidate:
        promise = self._policies.promise(task)
        if credited:
            estimate.evidence.credit(promise, kept=False)
        odds = self._rate
        if reference is not None:
            odds = pair_odds(estimate.evidence, promise, self._rate, served=False)
        name, score = estimate.target.name, estimate.score
        return Candidate(name, score, odds, drawn=self._drawn(odds), shadow=True)

    def _drawn(self, odds: float) -> bool:
        return odds > 0 and self.chance() < odds


def compared(live: Sequence[Estimate], first: Target) -> Estimate:
    """Which of several local models is compared: the one that is served; where the frontier is, the
    one with the fewest pairs until all have enough, so that a new one comes to know the task."""
    if first.local:
        return next((e for e in live if e.target.name == first.name), live[0])
    newest = min(live, key=lambda e: e.evidence.pairs)
    return newest if newest.evidence.pairs < SETUP_PAIRS else live[0]
