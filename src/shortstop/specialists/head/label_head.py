"""Closed outputs: a linear head on sentence embeddings, with the letters' weights where they help.

An answer is one of the labels that the task's teacher gave, word for word. Embeddings know what is
meant, letters know languages and names that the encoder has hardly met; held-out rows say how much
each counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.encoder import Encoder
from shortstop.specialists.head.evidence import Acceptor, Matrix, confidence, evidence
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query
from shortstop.specialists.words import Vector, WordTable

CATCH_ALL = "catch-all"
"""The stratum of labels that say "none of these": what they hold is not alike."""


@dataclass(frozen=True, slots=True)
class LetterHead:
    """Logits by letters: `weights` of shape (terms, labels), `bias` of (labels,)."""

    table: WordTable
    weights: Matrix
    bias: Vector

    def logits(self, text: str) -> Vector:
        row = self.table.row(text)
        logits: Vector = row.values @ self.weights[row.columns] + self.bias
        return logits


@dataclass(frozen=True, slots=True)
class LabelHead:
    """`weights` (WIDTH, labels) and `bias` (labels,) on the embedding; `examples` (n, WIDTH) are
    unit vectors of what was learned from, `owners` (n,) their labels by number. `letter_share` in
    [0, 1] is the part of the letters in the probability. `catch_all` are labels by number."""

    labels: tuple[str, ...]
    weights: Matrix
    bias: Vector
    examples: Matrix
    owners: NDArray[np.int64]
    letters: LetterHead | None = None
    letter_share: float = 0.0
    acceptor: Acceptor | None = None
    catch_all: frozenset[int] = frozenset()

    def probabilities(self, texts: Sequence[str], units: Matrix) -> Matrix:
        """Of each label, shape (n, labels); `units` are the texts' embeddings."""
        by_meaning = softmax(units @ self.weights + self.bias)
        if self.letters is None or not self.letter_share:
            return by_meaning
        by_letters = softmax(np.stack([self.letters.logits(text) for text in texts]))
        return (1 - self.letter_share) * by_meaning + self.letter_share * by_letters

    def judge(self, texts: Sequence[str], units: Matrix) -> list[Opinion]:
        """An opinion on each text."""
        chances = self.probabilities(texts, units)
        found = evidence(chances, units @ self.examples.T, self.owners)
        sure = confidence(found, self.acceptor)
        return [
            self.opinion(*row)
            for row in zip(found.label.tolist(), sure.tolist(), found.similarity, strict=True)
        ]

    def opinion(self, label: int, sure: float, similarity: float) -> Opinion:
        stratum = CATCH_ALL if label in self.catch_all else "all"
        return Opinion(self.labels[label], sure, float(similarity), stratum)


class HeadSpecialist:
    """A label head with the encoder that it was trained on."""

    def __init__(self, head: LabelHead, encoder: Encoder) -> None:
        self._head = head
        self._encoder = encoder

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        texts = [query.whole for query in queries]
        if not texts:
            return []
        opinions = self._head.judge(texts, self._encoder.encode(texts))
        return [one if text.strip() else None for text, one in zip(texts, opinions, strict=True)]


def softmax(logits: Matrix) -> Matrix:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    out: Matrix = powers / powers.sum(axis=-1, keepdims=True)
    return out
