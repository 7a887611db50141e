"""What a specialist would have answered to the rows that it has learned from.

Trainers hold rows out in turn: of each there is an opinion by a model that has learned from the
others alone. What would be served of these, by thresholds that were found without the row, is as
good as what the specialist will serve: it has learned from a little more, and is hardly worse for
it. That is cross-validation (Stone, 1974), whose error is asymptotically normal about the mean risk
of the models of its folds where these are stable (Bayle et al., 2020). It gives several times as
many pairs as the rows that are never learned from, at once, and is no exact proof: it may put a
specialist on trial, and no further.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from shortstop.flywheel.appeal import NOBODY, Claim, Umpire
from shortstop.flywheel.examine import calibrated, finished
from shortstop.flywheel.trainer import Grade, HeldOut, Made

FOLDS = 5
Answers = Mapping[str, str | None]
"""By row: the answer that would be served, None where it would escalate."""


def cross_fitted(made: Made, grade: Grade, target: float, umpire: Umpire = NOBODY) -> Answers:
    """The answers to the rows of `made.held_out`, but for those that stand for what is new. Nobody
    is asked anything: what the `umpire` has ruled is known."""
    recalled = _Recalled(umpire)
    answers: dict[str, str | None] = {}
    new = {id(opinion) for _, opinion in made.new}
    for fold in range(FOLDS):
        gate = calibrated(_without(made, fold), grade, target, recalled)
        for row, opinion in made.held_out:
            if _fold(row.id) != fold or id(opinion) in new or row.id in answers:
                continue
            if opinion is None or not gate.serves(opinion):
                answers[row.id] = None
            else:
                answers[row.id] = finished(opinion, row)
    return answers


def _without(made: Made, fold: int) -> Made:
    def others(held: HeldOut) -> HeldOut:
        return [(row, one) for row, one in held if _fold(row.id) != fold]

    return made._replace(
        held_out=others(made.held_out), unseen=others(made.unseen), new=others(made.new)
    )


def _fold(id: str) -> int:
    return zlib.crc32(id.encode("utf-8", "surrogatepass")) % FOLDS


class _Recalled:
    """An umpire that is not asked again."""

    def __init__(self, umpire: Umpire) -> None:
        self.most = umpire.most
        self.worth = umpire.worth

    def rule(self, claims: Sequence[Claim]) -> bool:
        return False
