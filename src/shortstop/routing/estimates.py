"""What is expected of each target on a request, and how far that is to be believed."""

from __future__ import annotations

from typing import NamedTuple

from shortstop.routing.contract import Evidence
from shortstop.routing.model import Head, Projection, PromptIndex
from shortstop.routing.policies import EVERYBODY, evidence_name, key_of, task_name
from shortstop.routing.state import State
from shortstop.routing.task import OPEN
from shortstop.types import Target

KNOWN_PAIRS = 20
"""Pairs of a target in a task, or answers that its scorer has learned, before they are believed."""
KERNEL_KNOWN = 0.6
"""Kernel with the nearest landmark below which a prompt without a task is out of domain."""
MIN_SUPPORT = 3.0
"""Prompts like this one that must have been met before an estimate without a task is believed."""
HEARSAY = 5.0
"""Grades by other tenants that count beside a tenant's own pairs, however many there are."""
UNKNOWN_GAP = 0.5
"""Expected gap of a target without a single pair."""


class Estimate(NamedTuple):
    """One target on one request.

    `gap` is the expected quality of the reference's answer minus its own, about [-1, 1]; `known`
    says whether that is to be believed. `key` is `key_of` the target.
    """

    target: Target
    key: str
    gap: float
    known: bool
    evidence: Evidence

    @property
    def score(self) -> float:
        """The probability, in [0, 1], that the answer is as good as the reference's."""
        return min(1.0, max(0.0, 1.0 - self.gap))

    @property
    def evident(self) -> float:
        """The score by which its pairs are evidence. What a specialist answers its gate has chosen
        already: all of it counts alike."""
        return 1.0 if self.target.specialist is not None else self.score


class Estimator:
    """Reads `state`, changes nothing."""

    def __init__(self, state: State, index: PromptIndex) -> None:
        self._state = state
        self._index = index

    def estimate(
        self, target: Target, prompt: Projection, task: str, owner: str = EVERYBODY
    ) -> Estimate:
        """`owner` is whose evidence counts (`TaskPolicies.owner`)."""
        key, evidence = key_of(target), self.evidence(target, task, owner)
        own = task_name(owner, task)
        if target.specialist is not None:
            gap = evidence.recent if evidence.pairs else UNKNOWN_GAP
        else:
            gaps = self._state.gaps.get(key)
            if gaps is None:
                return Estimate(target, key, UNKNOWN_GAP, False, evidence)
            gap = gaps.expect(prompt, own)
        grades = self._state.heads.get(key)
        if grades is not None:
            # Grades from outside count as much as their number against the pairs.
            heard = _weight(grades, owner)
            trust = heard / (heard + evidence.pairs + KNOWN_PAIRS)
            gap = (1 - trust) * gap + trust * (1.0 - grades.expect(prompt, own))
        known = evidence.pairs >= KNOWN_PAIRS
        if task == OPEN and target.specialist is None:
            known = known and self._near(prompt)
        return Estimate(target, key, gap, known, evidence)

    def evidence(self, target: Target, task: str, owner: str = EVERYBODY) -> Evidence:
        """What the owner's pairs of a target in a task support."""
        found = self._state.evidence_of(owner, evidence_name(task, key_of(target)))
        return found or Evidence()

    def _near(self, prompt: Projection) -> bool:
        """Whether a prompt without a task is similar enough to what was met."""
        nearest = float(prompt.kernel[:-1].max()) if self._index.size else 0.0
        return nearest >= KERNEL_KNOWN and self._index.support(prompt.kernel) >= MIN_SUPPORT


def _weight(grades: Head, owner: str) -> float:
    """How many grades count for an owner: all of its own, and no more than HEARSAY of others'."""
    if owner == EVERYBODY:
        return grades.rows
    own = grades.voices.get(owner, 0.0)
    return own + min(grades.rows - own, HEARSAY)
