"""What speaks for a label beside its probability, and what all of it is worth together.

A head is as sure of a text of a class that it has never met as of any other; how near the examples
are that it learned the label from tells more (Larson et al. 2019; Sun et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.words import Vector

Matrix = NDArray[np.float32]
NEIGHBOURS = 3
SIGNALS = 6


class LabelEvidence(NamedTuple):
    """Of n texts: the likeliest label by number and its chance; `signals` (n, SIGNALS): chance,
    margin to the second, entropy as a share of the largest, `similarity`, cosine with the nearest
    example of whatever label, and whether that one has this label. `similarity` in [0, 1] is the
    mean cosine with the nearest examples of the likeliest label."""

    label: NDArray[np.int64]
    chance: Vector
    similarity: Vector
    signals: Matrix

    def take(self, rows: NDArray[np.int64]) -> LabelEvidence:
        """Of some of the texts, by number."""
        return LabelEvidence(
            self.label[rows], self.chance[rows], self.similarity[rows], self.signals[rows]
        )


def evidence(chances: Matrix, cosines: Matrix, owners: NDArray[np.int64]) -> LabelEvidence:
    """`chances` (n, labels); `cosines` (n, examples) with the examples, whose labels by number are
    `owners` (examples,)."""
    n, labels = chances.shape
    label = chances.argmax(axis=1)
    second, first = np.partition(chances, labels - 2, axis=1)[:, -2:].T
    entropy = -(chances * np.log(np.maximum(chances, 1e-9))).sum(axis=1) / np.log(labels)
    own = np.where(owners[None, :] == label[:, None], cosines, -1.0)
    near = min(NEIGHBOURS, own.shape[1])
    top = np.partition(own, -near, axis=1)[:, -near:]
    met = top > -1.0
    similarity = (top * met).sum(axis=1) / np.maximum(met.sum(axis=1), 1)
    similarity = np.clip(similarity, 0.0, 1.0).astype(np.float32)
    nearest = cosines.argmax(axis=1)
    closest = np.clip(cosines[np.arange(n), nearest], 0.0, 1.0)
    same = (owners[nearest] == label).astype(np.float32)
    signals = np.stack([first, first - second, entropy, similarity, closest, same], axis=1)
    return LabelEvidence(label, first, similarity, signals.astype(np.float32))


@dataclass(frozen=True, slots=True)
class Acceptor:
    """The chance that a label is right, by its signals: `weights` (SIGNALS,) on signals from which
    `centre` is taken and which are divided by `spread`."""

    weights: Vector
    bias: float
    centre: Vector
    spread: Vector

    def confidence(self, signals: Matrix) -> Vector:
        """In [0, 1], of shape (n,)."""
        logits = (signals - self.centre) / self.spread @ self.weights + self.bias
        out: Vector = (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)
        return out


def confidence(found: LabelEvidence, acceptor: Acceptor | None) -> Vector:
    """In [0, 1], of shape (n,): the acceptor's, else chance times similarity."""
    if acceptor is None:
        return found.chance * found.similarity
    return acceptor.confidence(found.signals)
