"""Linear heads on two views of a text: its meaning and its letters.

Needs scikit-learn (extra `[learn]`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.head.evidence import Matrix
from shortstop.specialists.head.label_head import LetterHead, softmax
from shortstop.specialists.words import Vector, WordTable, grams

TOLERANCE = 1e-4
"""lbfgs scales the loss by the number of rows: at 1e-2 it stops at once."""
ITERATIONS = 200
MOST_GRAMS = 30_000
LETTER_WIDTH = 256
"""Dimensions to which the letters are reduced for training; they are unfolded for serving."""
Numbers = NDArray[np.int64]


class Linear(NamedTuple):
    """Weights (columns, labels) and bias (labels,)."""

    weights: Matrix
    bias: Vector

    def chances(self, rows: Matrix) -> Matrix:
        """Probabilities (n, labels)."""
        return softmax(rows @ self.weights + self.bias)


class Letters(NamedTuple):
    """The letters of n texts: `rows` (n, width) are their TF-IDF vectors times `directions` (terms,
    width)."""

    table: WordTable
    directions: Matrix
    rows: Matrix

    @classmethod
    def of(cls, texts: Sequence[str]) -> Letters:
        from sklearn.utils.extmath import randomized_svd

        table = WordTable.of(texts, most=MOST_GRAMS, terms=grams)
        matrix = sparse(table, texts)
        width = min(LETTER_WIDTH, *(size - 1 for size in matrix.shape))
        if width < 1:
            return cls(table, np.zeros((len(table.columns), 1), np.float32), _nothing(len(texts)))
        _, _, directions = randomized_svd(matrix, width, n_iter=2, random_state=0)
        turned = np.ascontiguousarray(directions.T, np.float32)
        return cls(table, turned, matrix @ turned)

    def head(self, linear: Linear) -> LetterHead:
        """A head on the terms themselves, for one on `rows`."""
        return LetterHead(self.table, self.directions @ linear.weights, linear.bias)


def sparse(table: WordTable, texts: Sequence[str]) -> Any:
    """A scipy matrix (n, terms)."""
    from scipy.sparse import csr_matrix

    rows = [table.row(text) for text in texts]
    ends = np.cumsum([0, *(len(row.columns) for row in rows)])
    columns = np.concatenate([row.columns for row in rows])
    values = np.concatenate([row.values for row in rows])
    return csr_matrix((values, columns, ends), shape=(len(rows), len(table.columns)))


def fit(rows: Any, y: Numbers, labels: int, penalty: float, iterations: int = ITERATIONS) -> Linear:
    """Logistic regression; `penalty` is the inverse strength of the ridge. A label without a row
    gets no chance."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=penalty, tol=TOLERANCE, max_iter=iterations)
    model.fit(rows, y)
    weights = np.zeros((rows.shape[1], labels), np.float32)
    bias = np.full(labels, -50.0, np.float32)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row stands for both
        coefficients = np.vstack([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    weights[:, model.classes_] = coefficients.T
    bias[model.classes_] = intercepts
    return Linear(weights, bias)


def folds_of(n: int, seed: int) -> Numbers:
    """The fold of each of n rows: 5 folds, 3 of many rows."""
    return np.random.default_rng(seed).permutation(n) % (5 if n < 6_000 else 3)


def out_of_fold(rows: Matrix, y: Numbers, labels: int, penalty: float, folds: Numbers) -> Matrix:
    """Probabilities (n, labels) by heads that have not seen the row."""
    chances = np.zeros((len(y), labels), np.float32)
    for fold in np.unique(folds):
        out, kept = folds == fold, folds != fold
        if len(np.unique(y[kept])) > 1:
            chances[out] = fit(rows[kept], y[kept], labels, penalty).chances(rows[out])
    return chances


def _nothing(n: int) -> Matrix:
    return np.zeros((n, 1), np.float32)
