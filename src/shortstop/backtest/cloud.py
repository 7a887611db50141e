"""Whether the log itself shows that a cheaper cloud model answers as today's does."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from shortstop.backtest.tally import LearnRow
from shortstop.evaluate.figures import binomial_lower
from shortstop.flywheel.trainer import Grade

LEAST_ALIKE = 0.95
"""Share of answers that must be alike, by the lower bound."""
DELTA = 0.05


class CloudEvidence(Struct, frozen=True):
    """`pairs` texts that both models were asked, `alike` of which they answered alike."""

    model: str
    pairs: int
    alike: int

    @property
    def certified(self) -> bool:
        return binomial_lower(self.alike, self.pairs, DELTA) >= LEAST_ALIKE


def cloud_evidence(
    rows: Sequence[LearnRow], candidates: Sequence[str], grade: Grade
) -> list[CloudEvidence]:
    """For each candidate, beside the model that answers most of the task."""
    texts: dict[str, dict[str, LearnRow]] = {}
    answered: dict[str, int] = {}
    for row in rows:
        teacher = row.example.teacher
        texts.setdefault(row.example.query.whole, {})[teacher] = row
        answered[teacher] = answered.get(teacher, 0) + 1
    if len(answered) < 2:
        return []
    today = max(answered, key=lambda name: answered[name])
    found = []
    for model in candidates:
        both = [(t[today], t[model]) for t in texts.values() if today in t and model in t]
        if model == today or not both:
            continue
        alike = sum(grade(b.example.answer, a.example) >= 1.0 for a, b in both)
        found.append(CloudEvidence(model, len(both), alike))
    return found
