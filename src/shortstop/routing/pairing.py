"""Which answers are compared: blind draws with known odds, logged with the decision.

The reference of a request is its frontier (`routing.frontier`, else the first remote target that
may serve it); the contract speaks of what is lost against it. Where no remote target may serve a
request, answers are compared with the one that was served: such pairs are graded and kept, and are
no evidence for the contract.

A live candidate is compared where it is served (an audit, with odds that its account sets) or where
the frontier is (a shadow run). A target in the state "shadow" has draws of its own, with the odds
of a shadow run whoever is served, so that its pairs are a fair sample of the traffic; where a local
model is served, its draw has the frontier asked too, unseen. Of the specialists of a task each has
a draw of its own: which of them answers is not known before. Each request pays into one account.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shortstop.routing.chance import draw
from shortstop.routing.contract import SETUP_PAIRS, Evidence, Promise
from shortstop.routing.estimates import Estimate
from shortstop.routing.policies import TaskPolicies
from shortstop.routing.state import Candidate, State

SLIGHT_HOPE = 0.1
"""Of the shadow rate, what a model is still asked unseen whose answers always lose: traffic may
change."""


def pair_odds(evidence: Evidence, promise: Promise, shadow_rate: float, *, served: bool) -> float:
    """The probability with which a candidate's answer is compared now; `served`: it is the one that
    the client gets."""
    if served:
        return evidence.audit_odds(promise)
    return 1.0 if evidence.pairs < SETUP_PAIRS and shadow_rate > 0 else shadow_rate


def hope(estimate: Estimate) -> float:
    """The part, (0, 1], of the shadow rate with which a candidate is worth being asked unseen: less
    where a general model lately lost more than every second pair of the task, for there is little
    to be found and each run takes a model's time and energy. It depends on earlier pairs alone, so
    what is drawn stays a fair sample. Specialists cost nothing, and learn."""
    evidence = estimate.evidence
    settled = evidence.pairs >= SETUP_PAIRS and evidence.certified is None
    if estimate.target.specialist is not None or not settled:
        return 1.0
    return min(1.0, max(SLIGHT_HOPE, 2.0 * (1.0 - evidence.recent)))


def pair_weight(evidence: Evidence, promise: Promise, shadow_rate: float, odds: float) -> float:
    """The weight, in (0, 1], of a pair that was drawn with probability `odds`: the least
    probability of being drawn at this time divided by it."""
    least = odds
    if evidence.certified is not None:
        least = min(odds, evidence.audit_odds(promise), shadow_rate)
    return least / odds if least > 0 else 1.0


class Drawn(NamedTuple):
    """`asked` are asked unseen; `audited` those whose answer is compared if it is served. The
    request pays into the account of the candidate `credited`, "" of none."""

    candidates: list[Candidate]
    asked: tuple[str, ...] = ()
    audited: tuple[str, ...] = ()
    credited: str = ""


class Pairing:
    """Draws from the state's seed and counter."""

    def __init__(self, state: State, policies: TaskPolicies) -> None:
        self._state = state
        self._policies = policies
        self._rate = policies.config.routing.shadow_rate

    def draw(
        self,
        task: str,
        before: Sequence[str],
        reference: str | None,
        live: Sequence[Estimate],
        shadow: Sequence[Estimate],
    ) -> Drawn:
        """The candidates of a request whose plan asks `before` the frontier these local targets.

        `reference` names the frontier, None where none may serve; `live` are the local targets in
        the order of the plan, specialists first, `shadow` those that may only be compared.
        """
        specialists = [e for e in live if e.target.specialist is not None]
        general = [e for e in live if e.target.specialist is None]
        standing = [*specialists, *([compared(general, before)] if general else ())]
        credited = ""
        if reference is not None and (standing or shadow):
            credited = self._credit(task, [*standing, *shadow], before)
        candidates = [self._live(task, e, before, reference) for e in standing]
        candidates += [self._shadow(task, e, reference) for e in shadow]
        drawn = [candidate for candidate in candidates if candidate.drawn]
        asked = tuple([candidate.target for candidate in drawn if not candidate.audit])
        if before and reference is not None and any(c.audit or c.shadow for c in drawn):
            asked = (reference, *asked)
        return Drawn(candidates, asked, tuple([c.target for c in drawn if c.audit]), credited)

    def chance(self) -> float:
        """The next draw, uniform in [0, 1)."""
        self._state.draws += 1
        return draw(self._state.seed, self._state.draws)

    def _credit(self, task: str, estimates: list[Estimate], before: Sequence[str]) -> str:
        """The request pays into one account: of those under a certificate, else of all, the one
        with the least in it, so that each has what it needs."""
        promise = self._policies.promise(task)
        if promise.per_answer:
            return ""  # answers pay when they are served
        certified = [e for e in estimates if e.evidence.certified is not None]
        poorest = min(certified or estimates, key=lambda e: e.evidence.balance)
        poorest.evidence.credit(promise, kept=poorest.target.name in before)
        return poorest.target.name

    def _live(
        self, task: str, estimate: Estimate, before: Sequence[str], reference: str | None
    ) -> Candidate:
        candidate = Candidate(estimate.target.name, estimate.evident)
        if reference is None:
            return candidate
        promise, evidence = self._policies.promise(task), estimate.evidence
        candidate.audit = estimate.target.name in before
        # What a specialist answers without a certificate is under no promise that could be lost.
        promised = estimate.target.specialist is None or evidence.certified is not None
        served = candidate.audit and promised
        rate = self._rate * hope(estimate)
        candidate.inclusion = pair_odds(evidence, promise, rate, served=served)
        candidate.drawn = self._drawn(candidate.inclusion)
        return candidate

    def _shadow(self, task: str, estimate: Estimate, reference: str | None) -> Candidate:
        promise = self._policies.promise(task)
        odds = rate = self._rate * hope(estimate)
        if reference is not None:
            odds = pair_odds(estimate.evidence, promise, rate, served=False)
        name, score = estimate.target.name, estimate.evident
        return Candidate(name, score, odds, drawn=self._drawn(odds), shadow=True)

    def _drawn(self, odds: float) -> bool:
        return odds > 0 and self.chance() < odds


def compared(general: Sequence[Estimate], before: Sequence[str]) -> Estimate:
    """Which of several general local models is compared: the one that is asked before the frontier;
    where none is, the one with the fewest pairs until all have enough, so that a new one comes to
    know the task."""
    served = next((e for e in general if e.target.name in before), None)
    if served is not None:
        return served
    newest = min(general, key=lambda e: e.evidence.pairs)
    return newest if newest.evidence.pairs < SETUP_PAIRS else general[0]
