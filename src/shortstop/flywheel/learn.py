"""One task learned: trained, calibrated, examined; its specialists, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from types import MappingProxyType
from typing import NamedTuple, Protocol

from shortstop.flywheel.appeal import NOBODY
from shortstop.flywheel.crossfit import Answers, cross_fitted
from shortstop.flywheel.curate.dataset import Dataset, curate
from shortstop.flywheel.curate.frozen import Frozen
from shortstop.flywheel.examine import (
    Examined,
    calibrated,
    ceiling,
    examine,
    sure,
    tells_slips,
)
from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import data_hash
from shortstop.flywheel.thresholds import at_most
from shortstop.flywheel.trainer import Grade, Made, NotLearned, Recipe, Trainer
from shortstop.flywheel.trainers import CALLING, REMEMBERING, TRAINERS
from shortstop.specialists.artefact import Lineage, Manifest
from shortstop.specialists.opinion import NEVER, Gate, Specialist

LEAST_EXAMPLES = 100
"""Distinct examples of a task from which on it is tried."""
LEAST_SERVED = 0.05
"""Share of the examination that a specialist must serve, beyond what cheaper ones do, to be worth
having."""


class Learned(NamedTuple):
    """A specialist with its files. `held_out` is what it would have answered to rows that it has
    learned from."""

    manifest: Manifest
    files: dict[str, bytes]
    specialist: Specialist
    held_out: Answers = MappingProxyType({})


class Lesson(NamedTuple):
    """What became of a task: the specialists that passed, cheapest first, and why the other kinds
    did not, by kind. Who passes is examined on what cheaper ones leave."""

    learned: tuple[Learned, ...]
    refused: Mapping[str, str]

    @property
    def why(self) -> str:
        """All refusals in one sentence each."""
        return " ".join(f"{kind}: {reason}" for kind, reason in self.refused.items())


class Kept(Protocol):
    """What an interrupted night has done already."""

    def find(self, kind: str) -> Learned | str | None:
        """The specialist of that kind or why there is none; None where it was not tried yet."""

    def keep(self, kind: str, became: Learned | str) -> Learned | str:
        """The same, as it is kept."""


class KeptNowhere:
    """Keeps nothing."""

    def find(self, kind: str) -> Learned | str | None:
        return None

    def keep(self, kind: str, became: Learned | str) -> Learned | str:
        return became


def learn(
    examples: Sequence[Example],
    grade: Grade,
    recipe: Recipe,
    trainers: Sequence[Trainer] = TRAINERS,
) -> Lesson:
    """`examples` are those of one tenant's task. Raises NotLearned where there are too few."""
    return taught(curate(examples, Frozen(), recipe.encoder, recipe.seed), grade, recipe, trainers)


def taught(
    data: Dataset,
    grade: Grade,
    recipe: Recipe,
    trainers: Sequence[Trainer] = TRAINERS,
    kept: Kept | None = None,
) -> Lesson:
    """What becomes of each kind, cheapest first; what `kept` knows is not done again. Raises
    NotLearned where there are too few examples."""
    rows = len(data.whole)
    if rows < LEAST_EXAMPLES or not data.train or not data.examine:
        raise NotLearned(f"{rows} different examples, {LEAST_EXAMPLES} are needed.")
    kept = kept or KeptNowhere()
    left = data.examination
    learned: list[Learned] = []
    refused: dict[str, str] = {}
    for trainer in trainers:
        became = kept.find(trainer.kind)
        if became is None:
            became = kept.keep(trainer.kind, _tried(trainer, data, left, grade, recipe))
        if isinstance(became, str):
            refused[trainer.kind] = became
            continue
        learned.append(became)
        answered = sure(became.specialist, became.manifest.gate, left)
        left = [row for row, one in zip(left, answered, strict=True) if one is None or one.unsure]
    return Lesson(tuple(learned), refused)


def _tried(
    trainer: Trainer, data: Dataset, left: Sequence[Example], grade: Grade, recipe: Recipe
) -> Learned | str:
    """The specialist, or why there is none. Where cheaper ones leave too little nobody trains."""
    if len(left) < LEAST_SERVED * len(data.examination):
        return f"Cheaper kinds leave it {len(left)} of {len(data.examination)} new requests."
    try:
        return _passed(trainer, data, left, grade, recipe.of_kind(trainer.kind))
    except NotLearned as error:
        return error.message


def _passed(
    trainer: Trainer, data: Dataset, left: Sequence[Example], grade: Grade, recipe: Recipe
) -> Learned:
    """Raises NotLearned."""
    made = trainer.train(rows_for(trainer.kind, data), recipe)
    made = asked_too(asked_too(made, data.doubted), data.calibrating, whole=True)
    target = recipe.target * ceiling(made, grade)
    umpire = NOBODY if made.closed and tells_slips(made) else recipe.umpire
    gate = calibrated(made, grade, target, umpire)
    if all(least >= NEVER for least in gate.thresholds.values()):
        raise NotLearned(
            f"At no threshold {recipe.target:.0%} of its answers are right with enough certainty"
            f" ({len(made.held_out)} rows to calibrate on)."
        )
    examined = examine(made.specialist, gate, left, grade, umpire)
    _require(examined, len(data.examination), target)
    return Learned(
        _manifest(trainer.kind, made, gate, examined, data, recipe),
        made.files,
        made.specialist,
        cross_fitted(made, grade, target, umpire),
    )


def rows_for(kind: str, data: Dataset) -> list[Example]:
    """What of the data specialists of this kind learn from."""
    rows = [*data.train, *data.asked_before] if kind in REMEMBERING else data.train
    return [row for row in rows if kind in CALLING or not row.calls]


def asked_too(made: Made, rows: Sequence[Example], *, whole: bool = False) -> Made:
    """With its opinions on more rows that it has not learned from. Where these make up the `whole`
    traffic with the others, as large a share of it stands for what is new."""
    opinions = made.specialist.opine([row.query for row in rows])
    told = list(zip(rows, opinions, strict=True))
    known = len(made.held_out) - len(made.new)
    more = round(len(made.new) * len(rows) / known) if whole and known else 0
    new = list(islice(cycle(made.new), more))
    return made._replace(held_out=[*made.held_out, *told, *new])


def _require(examined: Examined, rows: int, target: float) -> None:
    share = (examined.served + examined.partly) * examined.rows / max(rows, 1)
    if share < LEAST_SERVED:
        raise NotLearned(
            f"It is sure of {share:.1%} of {rows} new requests, beyond what cheaper ones serve."
        )
    if clearly_below(examined, target):
        raise NotLearned(
            f"Of what it is sure of {examined.right:.1%} are right in {examined.rows} new requests,"
            f" {target:.0%} are wanted."
        )


def clearly_below(examined: Examined, target: float) -> bool:
    """Whether the examination contradicts what thresholds promise, which a few rows hardly can:
    whether it may answer is for the proof to say, not for chance."""
    served = round((examined.served + examined.partly) * examined.rows)
    return at_most(examined.right, served) < target


def _manifest(
    kind: str, made: Made, gate: Gate, examined: Examined, data: Dataset, recipe: Recipe
) -> Manifest:
    first = data.train[0]
    lineage = Lineage(
        data=data_hash(data.train),
        rows=len(data.train),
        teachers=tuple(sorted({row.teacher for row in data.train if row.teacher})),
        made=recipe.now,
        seed=recipe.seed,
        figures={
            "served": examined.served,
            "partly": examined.partly,
            "right": examined.right,
            "rows": float(examined.rows),
        },
        until=max(row.at for row in data.whole),
        expires=min(row.at for row in data.train) + recipe.retention if recipe.retention else 0.0,
        tier=int(max(row.tier for row in data.train)),
        pinned=any(row.pinned for row in data.train),
    )
    return Manifest(kind, first.tenant, first.task, gate, lineage)
