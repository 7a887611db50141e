"""Which rows are worded alike, and how well known a wording must be to be answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.thresholds import threshold
from shortstop.specialists.nearest import NearestTexts
from shortstop.specialists.opinion import NEVER

ALIKE = 0.5
"""Cosine from which on two wordings are one template's: what is held out by groups must be truly
new, so that the guard has met what it guards against."""
FEW_GROUPS = 0.8
"""Groups for a row from which on nearly each is one of its own: rows held out by chance are new
wordings then."""


def groups(wordings: Sequence[str]) -> NDArray[np.int64]:
    """The group of each wording, by the number of its first one, shape (n,)."""
    texts = NearestTexts.of(wordings)
    group = np.full(len(wordings), -1, np.int64)
    for row, wording in enumerate(wordings):
        if group[row] < 0:
            cosines = texts.cosines(wording)
            if cosines is not None:
                group[(cosines >= ALIKE) & (group < 0)] = row
            group[row] = row
    return group


def group_folds(group: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row, shape (n,), whole groups at a time, the largest ones first."""
    names, sizes = np.unique(group, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled = np.zeros(folds, np.int64)
    fold_of = {}
    for place in order.tolist():
        fold_of[int(names[place])] = smallest = int(filled.argmin())
        filled[smallest] += sizes[place]
    return np.array([fold_of[one] for one in group.tolist()], np.int64)


def recur(group: NDArray[np.int64]) -> bool:
    """Whether wordings recur, so that rows held out by chance are not new to who learned."""
    return len(np.unique(group)) < FEW_GROUPS * len(group)


def least_similarity(similarity: Sequence[float], right: Sequence[float], target: float) -> float:
    """The guard's threshold, from answers to wordings that were held out whole and were sure
    enough: from there on they are right with at least `target` by the lower bound. Where none of
    them proves that, whatever is less known than the best known failure is left alone."""
    proven = threshold(similarity, right, target)
    if proven < NEVER or not len(similarity):
        return min(proven, 1.0) if len(similarity) else 0.0
    wrong = [one for one, good in zip(similarity, right, strict=True) if good <= 0.0]
    return float(np.nextafter(max(wrong), 2.0)) if wrong else min(similarity)
