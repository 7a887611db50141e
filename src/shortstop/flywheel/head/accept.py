"""Whether what speaks for a label is worth more together than its chance times its similarity."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.thresholds import threshold
from shortstop.specialists.head.evidence import Acceptor, LabelEvidence, Matrix, confidence
from shortstop.specialists.words import Vector

FOLDS = 5
LEAST_ROWS = 300


class Confidences(NamedTuple):
    """The acceptor, None where it does not pay, and the confidences of rows that it has not learned
    from: of known labels and of new ones."""

    acceptor: Acceptor | None
    known: Vector
    new: Vector


def chosen_acceptor(
    found: LabelEvidence, right: NDArray[np.bool_], new: LabelEvidence, target: float, seed: int
) -> Confidences:
    """`found` are opinions out of fold and whether they are `right`; `new` are opinions about what
    has no right label. The acceptor is taken if by the lower bound it serves more of both."""
    plain = Confidences(None, confidence(found, None), confidence(new, None))
    if len(right) < LEAST_ROWS or right.all():
        return plain
    signals = np.concatenate([found.signals, new.signals])
    good = np.concatenate([right, np.zeros(len(new.label), bool)])
    folds = np.random.default_rng(seed).permutation(len(good)) % FOLDS
    sure = np.zeros(len(good), np.float32)
    for fold in range(FOLDS):
        out = folds == fold
        sure[out] = _acceptor(signals[~out], good[~out]).confidence(signals[out])
    without = np.concatenate([plain.known, plain.new])
    if _served(sure, good, target) <= _served(without, good, target):
        return plain
    return Confidences(_acceptor(signals, good), sure[: len(right)], sure[len(right) :])


def _served(sure: Vector, good: NDArray[np.bool_], target: float) -> float:
    return float((sure >= threshold(sure.tolist(), good.tolist(), target)).mean())


def _acceptor(signals: Matrix, good: NDArray[np.bool_]) -> Acceptor:
    from sklearn.linear_model import LogisticRegression

    centre = signals.mean(axis=0)
    spread = np.maximum(signals.std(axis=0), 1e-3)
    if good.all() or not good.any():
        return Acceptor(np.zeros_like(centre), 20.0 if good.all() else -20.0, centre, spread)
    model: Any = LogisticRegression(C=1.0).fit((signals - centre) / spread, good)
    return Acceptor(model.coef_[0].astype(np.float32), float(model.intercept_[0]), centre, spread)
