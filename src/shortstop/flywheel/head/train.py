"""Training a label head, and what it would have said about what it had not seen.

Takes seconds on one core, two minutes for 10,000 rows of 150 labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from shortstop.flywheel.head.accept import chosen_acceptor
from shortstop.flywheel.head.fit import Letters, Linear, Numbers, fit, folds_of, out_of_fold
from shortstop.flywheel.thresholds import attainable
from shortstop.specialists.head.evidence import LabelEvidence, Matrix, evidence
from shortstop.specialists.head.label_head import LabelHead, LetterHead
from shortstop.specialists.words import Vector

PENALTY, LETTER_PENALTY = 20.0, 20.0
"""Inverse strength of the ridge, for rows whose wrong labels were left out (`curate.doubt`)."""
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Shares of the letters that are tried out of fold."""
NEW_LABELS = 4
"""Groups of labels that are held out whole, in turn."""
NEW_SHARE = 0.05, 0.1
"""Of the requests that are taken to be about something new when thresholds are found, of 1,000 rows
and of 4,000: what is served must be right often enough with them. Labels held out whole stand for
them (of 77 banking intents a third of such requests pass a threshold found without them). With few
rows the lower bound is careful by itself, and with more of them nothing could be shown."""
FEW_ROWS, MANY_ROWS = 1_000, 4_000
MOST_NEW, MOST_TAUGHT = 2_000, 4_000
"""Rows of held-out labels that are asked about, and rows that the heads for them learn from."""


class HeldOutLabels(NamedTuple):
    """What the head says about rows that it has not learned from: their numbers among the rows, the
    labels by number, confidence, similarity; all of shape (m,)."""

    rows: Numbers
    labels: Numbers
    confidence: Vector
    similarity: Vector


class TrainedHead(NamedTuple):
    """`held` are opinions on all rows but those on which it is silent; `new` on some again by heads
    that do not know their labels."""

    head: LabelHead
    held: HeldOutLabels
    new: HeldOutLabels


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows to learn from: embeddings (n, WIDTH), letters, labels by number (n,), their names."""

    units: Matrix
    letters: Letters
    y: Numbers
    names: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str], labels: Sequence[str], units: Matrix) -> _Rows:
        names = tuple(sorted(set(labels)))
        numbers = {name: number for number, name in enumerate(names)}
        y = np.array([numbers[label] for label in labels], np.int64)
        return cls(units, Letters.of(texts), y, names)

    @property
    def labels(self) -> int:
        return len(self.names)


def train_head(
    texts: Sequence[str],
    labels: Sequence[str],
    units: Matrix,
    target: float,
    seed: int = 0,
    silent: str | None = None,
) -> TrainedHead:
    """A head for these rows; `units` are the embeddings of `texts`, shape (n, WIDTH). `target` is
    the share of served answers that must be right. `silent` is the label that is never served, of
    rows that stand for what is new: none of the others is held out then."""
    rows = _Rows.of(texts, labels, units)
    folds = folds_of(len(rows.y), seed)
    share, chances = _out_of_fold(rows, folds)
    found = _by_fold(rows, chances, folds)
    new_share = (
        0.0
        if silent in rows.names
        else float(np.interp(len(rows.y), (FEW_ROWS, MANY_ROWS), NEW_SHARE))
    )
    asked, new = _new_labels(rows, new_share, share, seed)
    mute = rows.names.index(silent) if silent in rows.names else -1
    spoken = np.flatnonzero(found.label != mute)
    told = found.take(spoken)
    right = told.label == rows.y[spoken]
    reachable = target * attainable(told.chance * told.similarity, right)
    accepted = chosen_acceptor(told, right, new, reachable, seed)
    held = HeldOutLabels(spoken, told.label, accepted.known, told.similarity)
    unknown = HeldOutLabels(asked, new.label, accepted.new, new.similarity)
    return TrainedHead(replace(_head(rows, share), acceptor=accepted.acceptor), held, unknown)


def plain_head(
    texts: Sequence[str], labels: Sequence[str], units: Matrix, seed: int = 0
) -> LabelHead:
    """A head alone, for who holds out rows himself: nothing tells what its confidence is worth."""
    rows = _Rows.of(texts, labels, units)
    share, _ = _out_of_fold(rows, folds_of(len(rows.y), seed))
    return _head(rows, share)


def _out_of_fold(rows: _Rows, folds: Numbers) -> tuple[float, Matrix]:
    """The share of the letters, and probabilities (n, labels)."""
    by_meaning = out_of_fold(rows.units, rows.y, rows.labels, PENALTY, folds)
    letters = rows.letters.rows
    by_letters = out_of_fold(letters, rows.y, rows.labels, LETTER_PENALTY, folds)
    share = _best_share(by_meaning, by_letters, rows.y)
    return share, (1 - share) * by_meaning + share * by_letters


def _head(rows: _Rows, share: float) -> LabelHead:
    meaning = fit(rows.units, rows.y, rows.labels, PENALTY)
    letters = _letter_head(rows) if share else None
    return LabelHead(rows.names, meaning.weights, meaning.bias, rows.units, rows.y, letters, share)


def _letter_head(rows: _Rows) -> LetterHead:
    linear = fit(rows.letters.rows, rows.y, rows.labels, LETTER_PENALTY)
    return rows.letters.head(linear)


def _best_share(by_meaning: Matrix, by_letters: Matrix, y: Numbers) -> float:
    """The share of letters with the best log-likelihood out of fold, among those that are as often
    right as meaning alone."""
    rows = np.arange(len(y))
    alone = (by_meaning.argmax(axis=1) == y).mean()
    best, share = -np.inf, 0.0
    for candidate in SHARES:
        mixed = (1 - candidate) * by_meaning + candidate * by_letters
        fit = float(np.log(np.maximum(mixed[rows, y], 1e-6)).mean())
        if fit > best and (mixed.argmax(axis=1) == y).mean() >= alone:
            best, share = fit, candidate
    return share


def _by_fold(rows: _Rows, chances: Matrix, folds: Numbers) -> LabelEvidence:
    """The evidence on each row by the examples of the other folds."""
    parts = []
    order = []
    for fold in np.unique(folds):
        out, kept = np.flatnonzero(folds == fold), folds != fold
        parts.append(evidence(chances[out], rows.units[out] @ rows.units[kept].T, rows.y[kept]))
        order.append(out)
    back = np.argsort(np.concatenate(order))
    return LabelEvidence(*(np.concatenate(column)[back] for column in zip(*parts, strict=True)))


def _new_labels(
    rows: _Rows, new_share: float, share: float, seed: int
) -> tuple[Numbers, LabelEvidence]:
    """Rows by number, and what heads say about them that do not know their labels."""
    draws = np.random.default_rng(seed)
    wanted = min(MOST_NEW, round(len(rows.y) * new_share / (1 - new_share)))
    groups = draws.permutation(rows.labels) % NEW_LABELS
    asked: list[Numbers] = [np.zeros(0, np.int64)]
    parts = [evidence(np.full((0, 2), 0.5, np.float32), _none(), np.zeros(1, np.int64))]
    for group in range(NEW_LABELS):
        new = groups[rows.y] == group
        taught = draws.permutation(np.flatnonzero(~new))[:MOST_TAUGHT]
        out = draws.permutation(np.flatnonzero(new))[: wanted // NEW_LABELS]
        if len(np.unique(rows.y[taught])) < 2 or not len(out):
            continue
        chances = _taught(rows.units, rows, taught, PENALTY).chances(rows.units[out])
        if share:
            letters = rows.letters.rows
            by_letters = _taught(letters, rows, taught, LETTER_PENALTY).chances(letters[out])
            chances = (1 - share) * chances + share * by_letters
        cosines = rows.units[out] @ rows.units[taught].T
        parts.append(evidence(chances, cosines, rows.y[taught]))
        asked.append(out)
    return np.concatenate(asked), LabelEvidence(*map(np.concatenate, zip(*parts, strict=True)))


def _none() -> Matrix:
    return np.zeros((0, 1), np.float32)


def _taught(view: Matrix, rows: _Rows, taught: Numbers, penalty: float) -> Linear:
    return fit(view[taught], rows.y[taught], rows.labels, penalty)
