"""Training a label head, and what it would have said about what it had not seen.

Needs scikit-learn (extra `[learn]`). Takes seconds on one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.label_head import LabelHead, Matrix, WordHead, softmax
from shortstop.specialists.words import WordTable

FOLDS = 5
PENALTY = 10.0
"""Inverse strength of the ridge on embeddings (unit vectors)."""
WORD_PENALTY = 20.0
TOLERANCE = 1e-5
"""lbfgs scales the loss by the number of rows: at 1e-2 it stops at once."""
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares of the word head that are tried out of fold."""
FEW_ROWS = 1500
"""Below so many rows words do not help (measured on bank messages), and are not tried."""
MAX_EXAMPLES = 20_000


class HeldOutLabels(NamedTuple):
    """What the head says about rows that it has not learned from: labels by number, confidence,
    and whether it agrees with the teacher; all of shape (n,)."""

    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]


def train_head(
    texts: Sequence[str], labels: Sequence[str], units: Matrix, seed: int = 0
) -> tuple[LabelHead, HeldOutLabels]:
    """A head for these rows; `units` are the embeddings of `texts`, shape (n, WIDTH)."""
    names = sorted(set(labels))
    numbers = {name: number for number, name in enumerate(names)}
    y = np.array([numbers[label] for label in labels], np.int64)
    folds = np.random.default_rng(seed).permutation(len(y)) % FOLDS
    by_meaning = np.zeros((len(y), len(names)), np.float32)
    by_words = np.zeros_like(by_meaning) if len(y) >= FEW_ROWS else None
    nearest = np.zeros(len(y))
    for fold in range(FOLDS):
        out, kept = np.flatnonzero(folds == fold).tolist(), np.flatnonzero(folds != fold).tolist()
        if not len(out) or len(set(y[kept].tolist())) < 2:
            continue
        weights, bias = _fit(units[kept], y[kept], len(names), PENALTY)
        by_meaning[out] = softmax(units[out] @ weights + bias)
        nearest[out] = np.clip((units[out] @ units[kept].T).max(axis=1), 0.0, 1.0)
        if by_words is not None:
            words = _word_head([texts[i] for i in kept], y[kept], len(names))
            by_words[out] = softmax(np.stack([words.logits(texts[i]) for i in out]))
    share = _best_share(by_meaning, by_words, y)
    mixed = by_meaning if by_words is None else (1 - share) * by_meaning + share * by_words
    predicted = mixed.argmax(axis=1)
    weights, bias = _fit(units, y, len(names), PENALTY)
    head = LabelHead(
        tuple(names),
        weights,
        bias,
        _spread(units, seed),
        _word_head(texts, y, len(names)) if share else None,
        share,
    )
    return head, HeldOutLabels(predicted, mixed.max(axis=1) * nearest, predicted == y)


def _fit(
    rows: Any, y: NDArray[np.int64], labels: int, penalty: float
) -> tuple[Matrix, NDArray[np.float32]]:
    """Weights (columns, labels) and bias (labels,); a label without a row gets no chance."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=penalty, tol=TOLERANCE, max_iter=500)
    model.fit(rows, y)
    weights = np.zeros((rows.shape[1], labels), np.float32)
    bias = np.full(labels, -50.0, np.float32)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row stands for both
        coefficients = np.vstack([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    weights[:, model.classes_] = coefficients.T
    bias[model.classes_] = intercepts
    return weights, bias


def _word_head(texts: Sequence[str], y: NDArray[np.int64], labels: int) -> WordHead:
    from scipy.sparse import csr_matrix

    table = WordTable.of(texts)
    rows = [table.row(text) for text in texts]
    ends = np.cumsum([0, *(len(row.columns) for row in rows)])
    columns = np.concatenate([row.columns for row in rows])
    values = np.concatenate([row.values for row in rows])
    matrix = csr_matrix((values, columns, ends), shape=(len(rows), len(table.columns)))
    weights, bias = _fit(matrix, y, labels, WORD_PENALTY)
    return WordHead(table, weights, bias)


def _best_share(by_meaning: Matrix, by_words: Matrix | None, y: NDArray[np.int64]) -> float:
    """The share of words with the best log-likelihood out of fold; 0 unless it is clearly better in
    accuracy as well."""
    if by_words is None:
        return 0.0
    rows = np.arange(len(y))
    alone = (by_meaning.argmax(axis=1) == y).mean()
    best, share = -np.inf, 0.0
    for candidate in SHARES:
        mixed = (1 - candidate) * by_meaning + candidate * by_words
        fit = float(np.log(np.maximum(mixed[rows, y], 1e-6)).mean())
        if fit > best and (mixed.argmax(axis=1) == y).mean() >= alone:
            best, share = fit, candidate
    return share


def _spread(units: Matrix, seed: int) -> Matrix:
    if len(units) <= MAX_EXAMPLES:
        return units
    return units[np.random.default_rng(seed).permutation(len(units))[:MAX_EXAMPLES]]
