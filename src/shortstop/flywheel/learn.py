"""One task learned: curated, trained, calibrated, examined; a specialist, or why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from shortstop.errors import ShortstopError
from shortstop.flywheel.copy.train import NotCopyable, train_copy
from shortstop.flywheel.examples import Example
from shortstop.flywheel.shapes import Scalar, fields, shape_of
from shortstop.flywheel.split import Split, data_hash, distinct, split
from shortstop.flywheel.thresholds import threshold
from shortstop.flywheel.train_head import train_head
from shortstop.specialists.artefact import Lineage, Manifest
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.kinds import COPY, HEAD, dump_copy, dump_head
from shortstop.specialists.label_head import HeadSpecialist
from shortstop.specialists.opinion import NEVER, Gate, Specialist

LEAST_EXAMPLES = 100
"""Distinct examples of a task from which on it is tried."""
LEAST_SERVED = 0.05
"""Share of the examination that a specialist must be sure of to be worth having."""

Grade = Callable[[str, Example], float]
"""(answer, example) -> how good it is, in [0, 1]: by the task's grader against the recorded answer
or, where somebody judged whose answer is right, by that."""


class NotLearned(ShortstopError):
    """A task that is not learned, in words that say what is missing."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How tasks are learned: `target` is the share of served answers that must be right, in (0, 1),
    by the lower bound on calibration rows. `encoder` None: no label heads. `now` is Unix time."""

    target: float
    encoder: Encoder | None
    now: float
    seed: int = 0


class Examined(NamedTuple):
    """Of the examination's rows: how many, the share served, and how good those were on average."""

    rows: int
    served: float
    right: float


class Learned(NamedTuple):
    """A specialist with its files, and how its examination went."""

    manifest: Manifest
    files: dict[str, bytes]
    specialist: Specialist
    examined: Examined


class _Made(NamedTuple):
    kind: str
    files: dict[str, bytes]
    specialist: Specialist


def learn(examples: Sequence[Example], grade: Grade, recipe: Recipe) -> Learned:
    """`examples` are those of one tenant's task. Raises NotLearned."""
    rows = distinct(examples)
    if len(rows) < LEAST_EXAMPLES:
        raise NotLearned(f"{len(rows)} different examples, {LEAST_EXAMPLES} are needed.")
    parts = split(rows)
    made = _made(parts.train, recipe)
    gate = calibrated(made.specialist, parts.calibrate, grade, recipe.target)
    if all(least >= NEVER for least in gate.thresholds.values()):
        raise NotLearned(
            f"At no threshold {recipe.target:.0%} of its answers are right with enough certainty"
            f" ({len(parts.calibrate)} rows to calibrate on)."
        )
    examined = examine(made.specialist, gate, parts.examine, grade)
    _require(examined, recipe.target)
    manifest = Manifest(made.kind, rows[0].tenant, rows[0].task, gate, _lineage(parts, recipe))
    figures = {"served": examined.served, "right": examined.right, "rows": float(examined.rows)}
    return Learned(_with_figures(manifest, figures), made.files, made.specialist, examined)


def calibrated(
    specialist: Specialist, rows: Sequence[Example], grade: Grade, target: float
) -> Gate:
    """Thresholds by stratum, from rows that the specialist has not learned from."""
    by_stratum: dict[str, tuple[list[float], list[bool]]] = {}
    for opinion, row in zip(specialist.opine([row.query for row in rows]), rows, strict=True):
        if opinion is not None:
            confidence, right = by_stratum.setdefault(opinion.stratum, ([], []))
            confidence.append(opinion.confidence)
            right.append(grade(opinion.answer, row) >= 1.0)
    return Gate({name: threshold(*lists, target) for name, lists in by_stratum.items()})


def examine(specialist: Specialist, gate: Gate, rows: Sequence[Example], grade: Grade) -> Examined:
    """On rows that neither training nor calibration has seen."""
    opinions = specialist.opine([row.query for row in rows])
    served = [
        grade(opinion.answer, row)
        for opinion, row in zip(opinions, rows, strict=True)
        if opinion is not None and gate.serves(opinion)
    ]
    share = len(served) / len(rows) if rows else 0.0
    return Examined(len(rows), share, sum(served) / len(served) if served else 0.0)


def _made(train: Sequence[Example], recipe: Recipe) -> _Made:
    answers = [row.answer for row in train]
    shape = shape_of(answers)
    if shape == "labels":
        return _head(train, recipe)
    if shape == "fields":
        return _copier(train, recipe)
    raise NotLearned("Its answers are prose, which no specialist of this release writes.")


def _head(train: Sequence[Example], recipe: Recipe) -> _Made:
    if recipe.encoder is None:
        raise NotLearned("Its answers are labels; the sentence encoder is not installed.")
    counts = Counter(row.answer for row in train)
    rows = [row for row in train if counts[row.answer] > 1]
    if len({row.answer for row in rows}) < 2:
        raise NotLearned("It has a single answer.")
    texts = [row.query.whole for row in rows]
    units = recipe.encoder.encode(texts)
    head, _ = train_head(texts, [row.answer for row in rows], units, recipe.seed)
    return _Made(HEAD, dump_head(head), HeadSpecialist(head, recipe.encoder))


def _copier(train: Sequence[Example], recipe: Recipe) -> _Made:
    trees = [(row.query.text, fields(row.answer)) for row in train]
    names = Counter(tuple(sorted(tree)) for _, tree in trees if tree is not None)
    common = names.most_common(1)[0][0]
    kept: list[tuple[str, dict[str, Scalar]]] = [
        (text, dict(tree))
        for text, tree in trees
        if tree is not None and tuple(sorted(tree)) == common
    ]
    try:
        extractor, _ = train_copy(
            [text for text, _ in kept], [tree for _, tree in kept], seed=recipe.seed
        )
    except NotCopyable as error:
        raise NotLearned(f"Its answers do not stand in its texts ({error}).") from error
    return _Made(COPY, dump_copy(extractor), extractor)


def _require(examined: Examined, target: float) -> None:
    if examined.served < LEAST_SERVED:
        raise NotLearned(f"It is sure of {examined.served:.1%} of {examined.rows} new requests.")
    if examined.right < target:
        raise NotLearned(
            f"Of what it is sure of {examined.right:.1%} are right in {examined.rows} new requests,"
            f" {target:.0%} are wanted."
        )


def _lineage(parts: Split, recipe: Recipe) -> Lineage:
    teachers = tuple(sorted({row.teacher for row in parts.train if row.teacher}))
    return Lineage(data_hash(parts.train), len(parts.train), teachers, recipe.now, recipe.seed)


def _with_figures(manifest: Manifest, figures: dict[str, float]) -> Manifest:
    return replace(manifest, lineage=replace(manifest.lineage, figures=figures))
