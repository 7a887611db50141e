"""Prompt models and answer scorers fitted on rows of a table, honestly.

Training, calibration and test rows never mix: the landmarks, the n-gram counts and every weight are
learned on the training folds alone; the scorer learns from estimates that the prompt models made
for rows which they had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from shortstop.config import RoutingConfig
from shortstop.evaluate.pair_table import FOLDS, Floats, PairTable, Rows
from shortstop.routing.agreement import heard
from shortstop.routing.estimates import KERNEL_KNOWN
from shortstop.routing.features import PromptFeatures
from shortstop.routing.model import TASK_PSEUDO_PAIRS, Head, Projection, PromptIndex, project
from shortstop.routing.prior import packaged
from shortstop.routing.scorer import AnswerScorer, PooledScorer, answer_features, text_marks
from shortstop.types import Signals

LANDMARKS = RoutingConfig().landmarks


@dataclass(frozen=True, slots=True)
class Fitted:
    """Prompt models learned on some rows: of the gap, and of the small model's own quality."""

    index: PromptIndex
    gap: Head
    small: Head

    def expect(self, features: PromptFeatures) -> tuple[float, float]:
        """Expected (frontier minus local, local) quality."""
        prompt = project(features, self.index)
        return self.gap.base(prompt), self.small.base(prompt)

    def novel(self, features: PromptFeatures) -> bool:
        """Whether the prompt is out of domain, so that the router would escalate it."""
        return float(self.index.kernel(features.dense)[:-1].max()) < KERNEL_KNOWN


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks at answers: of which rows, the gap that their prompts promise, `answer_features` of
    each, (n, WIDTH), and how much larger the gap was."""

    rows: Rows
    gaps: Floats
    features: NDArray[np.float32]
    missed: Floats


def fit(table: PairTable, rows: Rows, *, seed: int = 0) -> Fitted:
    order = np.random.default_rng(seed).permutation(rows)
    index = fit_index(table, order)
    prompts = [project(table.features[i], index) for i in order]
    return Fitted(
        index,
        fit_head(prompts, table.gap[order], index),
        fit_head(prompts, table.small[order], index),
    )


def fit_index(table: PairTable, rows: Rows) -> PromptIndex:
    """An index of the rows' prompts, met in this order."""
    index = PromptIndex(LANDMARKS, len(table.features[0].dense))
    for i in rows:
        index.add(table.features[i])
    return index


def fit_head(prompts: Sequence[Projection], values: Floats, index: PromptIndex) -> Head:
    """A head on n outcomes, `values` of shape (n,)."""
    head = Head(LANDMARKS)
    head.learn_all(prompts, values, index)
    return head


def out_of_fold(
    table: PairTable, rows: Rows, folds: Rows, *, seed: int = 0
) -> tuple[Floats, Floats]:
    """Expected gap and local quality of each row, from models that did not see its fold."""
    gaps, smalls = np.zeros(len(rows)), np.zeros(len(rows))
    for fold in np.unique(folds):
        fitted = fit(table, rows[folds != fold], seed=seed)
        for place in np.flatnonzero(folds == fold):
            gaps[place], smalls[place] = fitted.expect(table.features[rows[place]])
    return gaps, smalls


def levels(table: PairTable, rows: Rows, folds: Rows) -> Floats:
    """For each row the mean gap of the rows that its fold's model learned from.

    Where the rows of a fold are harder than most, those of the others are easier: rows of several
    folds are compared by what is expected of them beyond their model's level.
    """
    gap = table.gap[rows]
    return np.array([gap[folds != fold].mean() for fold in folds])


def looks_at(table: PairTable, rows: Rows, gaps: Floats, *, agreement: bool) -> Looks:
    """What is seen of the small model's answers; with `agreement` helpers are heard, too."""
    expected = 1.0 - gaps
    pairs = zip(rows, expected, strict=True)
    features = np.stack([_looked(table, i, e, agreement) for i, e in pairs])
    return Looks(rows, gaps, features, table.gap[rows] - gaps)


def with_answer(looks: Looks, folds: Rows, everywhere: Sequence[tuple[Looks, Rows]] = ()) -> Floats:
    """Expected gap after a look at the local answer, from scorers that did not see the row's fold:
    of this task's looks, drawn towards those of all tasks, `everywhere` with their folds. A fold's
    corrections are told from their mean over what its scorers learned from (`levels`)."""
    after = looks.gaps.copy()
    for fold in np.unique(folds):
        general, own = AnswerScorer(), AnswerScorer()
        for other, others in everywhere or ((looks, folds),):
            seen = others != fold
            general.learn_all(other.features[seen], -other.missed[seen])
        seen = folds != fold
        own.learn_all(looks.features[seen], -looks.missed[seen], general)
        scorer, here = PooledScorer(general, own), np.flatnonzero(folds == fold)
        level = np.mean([scorer.correction(f) for f in looks.features[seen]])
        for place in here:
            after[place] -= scorer.correction(looks.features[place]) - level
    return after


def _looked(table: PairTable, row: int, expected: float, agreement: bool) -> NDArray[np.float32]:
    answer, others = table.answers[row], table.others[row]
    signals = Signals(chars=len(answer))
    if agreement and others:
        agreed, helpers = heard(table.graders[row], answer, others, packaged().embedder)
        signals = replace(signals, agreement=agreed, helpers=helpers)
    return answer_features(expected, signals, text_marks(answer, len(table.prompts[row])))


def task_shift(labels: NDArray[np.str_], folds: Rows, missed: Floats) -> Floats:
    """The task's mean residual, shrunk, from the other folds: arrays of shape (n,) -> (n,)."""
    shift = np.zeros(len(labels))
    for label in set(labels.tolist()):
        for fold in np.unique(folds):
            others = (labels == label) & (folds != fold)
            value = missed[others].sum() / (others.sum() + TASK_PSEUDO_PAIRS)
            shift[(labels == label) & (folds == fold)] = value
    return shift


def learned_from(table: PairTable, rows: Rows, n: int, *, both: bool) -> Floats:
    """Expected gap of each row after `n` requests of one's own, with both outcomes known or (half
    explored) one each."""
    folds = table.fold[rows]
    scores = np.zeros(len(rows))
    for fold in range(FOLDS):
        draws = np.random.default_rng(fold)
        train = draws.permutation(rows[folds != fold])[:n]
        test = np.flatnonzero(folds == fold)
        if both:
            fitted = fit(table, train, seed=fold)
            scores[test] = [fitted.expect(table.features[i])[0] for i in rows[test]]
        else:
            scores[test] = _one_sided(table, train, rows[test], draws.random(len(train)) < 0.5)
    return scores


def _one_sided(table: PairTable, train: Rows, test: Rows, local: NDArray[np.bool_]) -> Floats:
    """Each training request was answered by one target, drawn evenly."""
    index = fit_index(table, train)
    prompts = [project(table.features[i], index) for i in train]
    heads = []
    for answered, grades in ((local, table.small), (~local, table.big)):
        places = np.flatnonzero(answered)
        heads.append(fit_head([prompts[i] for i in places], grades[train[places]], index))
    own, frontier = heads
    tested = [project(table.features[i], index) for i in test]
    return np.array([frontier.base(prompt) - own.base(prompt) for prompt in tested])
