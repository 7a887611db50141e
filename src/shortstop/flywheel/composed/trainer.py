"""Specialists for tasks whose answers are JSON objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from shortstop.flywheel.appeal import NOBODY
from shortstop.flywheel.composed.columns import Column, Fit, held_out, learn_column, right
from shortstop.flywheel.composed.corpus import Corpus
from shortstop.flywheel.composed.levels import with_levels
from shortstop.flywheel.composed.records import Counted
from shortstop.flywheel.composed.rulings import ruled
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import HeldOut, Made, NotLearned, Recipe
from shortstop.flywheel.wordings import group_folds, groups, recur
from shortstop.specialists.composed.composed import (
    MOST_UNSURE,
    AnswerLayout,
    ComposedSpecialist,
    Read,
    key_of,
    read_all,
    weighed,
    wording,
)
from shortstop.specialists.composed.field import FieldOpinion
from shortstop.specialists.composed.files import COMPOSED, dump_composed, embedder
from shortstop.specialists.copy.field import CopyField
from shortstop.specialists.novelty import Wordings
from shortstop.specialists.opinion import Opinion

FOLDS = 4


class ComposedTrainer:
    """Learns from the rows whose answers have the usual fields. A field that no kind learns is left
    to somebody else."""

    kind = COMPOSED.name

    def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
        """Raises NotLearned."""
        return made(study(rows, recipe), recipe)


class Study(NamedTuple):
    """What was learned of each field: how, and its opinions about each row out of fold."""

    corpus: Corpus
    columns: Mapping[str, Column]
    folds: NDArray[np.int64]

    @property
    def read(self) -> list[Read]:
        return _rows({name: column.held for name, column in self.columns.items()})

    def right(self) -> list[dict[str, float]]:
        """Whether each opinion says what the row does."""
        values = self.corpus.values
        return [
            {n: float(right(one[n], values[n][row])) for n in self.corpus.names}
            for row, one in enumerate(self.read)
        ]


def study(rows: Sequence[Example], recipe: Recipe) -> Study:
    """Raises NotLearned."""
    corpus = Corpus(rows, recipe.encoder)
    folds = np.random.default_rng(recipe.seed).permutation(len(corpus)) % FOLDS
    columns = {name: learn_column(corpus, name, folds) for name in corpus.names}
    _require(columns)
    return Study(corpus, columns, folds)


def made(
    studied: Study, recipe: Recipe, judged: Sequence[Mapping[str, float]] | None = None
) -> Made:
    """`judged` says which opinions are right; None: those that say what the row does, and those
    that the recipe's umpire prefers."""
    corpus, read = studied.corpus, studied.read
    fits = {name: column.fit for name, column in studied.columns.items()}
    fields = {name: fit and fit(range(len(corpus))) for name, fit in fits.items()}
    keys = [n for n, field in fields.items() if isinstance(field, CopyField) and corpus.repeats(n)]
    good = judged or studied.right()
    plan, fair = _layout(corpus, keys, read, good)
    if judged is None and recipe.umpire is not NOBODY:
        good = ruled(corpus, [plan.stratum(one) for one in fair], fair, good, recipe)
        plan, fair = _layout(corpus, keys, read, good)
    plan = with_levels(plan, fair, good, recipe.target)
    embed = embedder(recipe.encoder) if recipe.encoder is not None else None
    if not corpus.short:
        paper = ComposedSpecialist(plan, fields, None, embed)
        told = [plan.opinion(one, 1.0) for one in fair]
        return Made(dump_composed(paper), paper, list(zip(corpus.rows, told, strict=True)))
    worded = _wordings(corpus, fields)
    held = _opinions(plan, corpus, fair, worded, studied.folds)
    group = groups(worded)
    unseen = held
    if recur(group):
        apart = group_folds(group, FOLDS, recipe.seed)
        new = [plan.weighed(one) for one in _read_apart(corpus, fits, apart)]
        unseen = _opinions(plan, corpus, new, worded, apart)
    specialist = ComposedSpecialist(plan, fields, Wordings.of(worded), embed)
    return Made(dump_composed(specialist), specialist, held, unseen)


def _layout(
    corpus: Corpus, keys: Sequence[str], read: Sequence[Read], good: Sequence[Mapping[str, float]]
) -> tuple[AnswerLayout, list[Read]]:
    """The layout without levels, and each row's opinions weighed by what the others show of its
    keys."""
    counted = {key: Counted(*_keys(read, key), good) for key in keys}
    plan = AnswerLayout(corpus.names, corpus.style, tuple(keys))
    plan = replace(plan, records={key: one.records() for key, one in counted.items()})
    fair: list[Read] = [
        weighed(one, [counted[key].without(row) for key in keys]) for row, one in enumerate(read)
    ]
    return plan, fair


def _require(columns: Mapping[str, Column]) -> None:
    """Raises NotLearned where too few fields were learned."""
    lost = {name: column.why for name, column in columns.items() if column.fit is None}
    if len(lost) > MOST_UNSURE * len(columns):
        whys = ", ".join(f"{name} {why}" for name, why in lost.items())
        raise NotLearned(f"Too few of its fields are learned: {whys}.")


def _keys(read: Sequence[Read], key: str) -> tuple[list[str], list[bool]]:
    """The values of a key field, and whether they were met before."""
    found = [key_of(one.get(key)) for one in read]
    return [value for value, _ in found], [known for _, known in found]


def _rows(columns: Mapping[str, Sequence[FieldOpinion | None]]) -> list[Read]:
    return [dict(zip(columns, one, strict=True)) for one in zip(*columns.values(), strict=True)]


def _read_apart(
    corpus: Corpus, fits: Mapping[str, Fit | None], folds: NDArray[np.int64]
) -> list[Read]:
    held = {
        name: held_out(corpus, fit, folds) if fit is not None else [None] * len(corpus)
        for name, fit in fits.items()
    }
    return _rows(held)


def _opinions(
    plan: AnswerLayout,
    corpus: Corpus,
    read: Sequence[Read],
    worded: Sequence[str],
    folds: NDArray[np.int64],
) -> HeldOut:
    """What they make of each row, and how like that is to the rows of the other folds."""
    out: list[tuple[Example, Opinion | None]] = [(row, None) for row in corpus.rows]
    for fold in np.unique(folds).tolist():
        known = Wordings.of([worded[row] for row in np.flatnonzero(folds != fold).tolist()])
        for row in np.flatnonzero(folds == fold).tolist():
            similarity = known.similarity(wording(corpus.pages[row].text, read[row]))
            out[row] = corpus.rows[row], plan.opinion(read[row], similarity)
    return out


def _wordings(corpus: Corpus, fields: Mapping[str, object]) -> list[str]:
    """Each row's text without the values that are copied from it."""
    copied = {name: field for name, field in fields.items() if isinstance(field, CopyField)}
    return [wording(page.text, read_all(copied, page)) for page in corpus.pages]
