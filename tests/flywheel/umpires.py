"""An umpire that knows the right answers, for tests of what a judge's word changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shortstop.flywheel.appeal import Claim


class TruthTeller:
    """`truth` holds the right answer of each row by its id; `said` is what it has ruled."""

    most = 0.9

    def __init__(self, truth: Mapping[str, str]) -> None:
        self._truth = truth
        self.said: dict[tuple[str, str], bool] = {}

    def worth(self, claim: Claim) -> float | None:
        ruled = self.said.get((claim.row.id, claim.answer))
        return None if ruled is None else self.most * ruled

    def rule(self, claims: Sequence[Claim]) -> bool:
        for claim in claims:
            right = claim.answer == self._truth[claim.row.id]
            self.said[claim.row.id, claim.answer] = right
        return True
