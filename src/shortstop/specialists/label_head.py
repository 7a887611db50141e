"""Closed outputs: a linear head on sentence embeddings, with word weights where they help.

An answer is one of the labels that the task's teacher gave, word for word. The confidence is the
probability of the likeliest label times the cosine with the nearest example: a text far from all
that was learned from is not sure of anything (Larson et al. 2019 for the out-of-scope task).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.encoder import Encoder
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.query import Query
from shortstop.specialists.words import Vector, WordTable

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WordHead:
    """Logits by words: `weights` of shape (terms, labels), `bias` of (labels,)."""

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
    unit vectors of what was learned from. `word_share` in [0, 1) is the part of the word head in
    the probability."""

    labels: tuple[str, ...]
    weights: Matrix
    bias: Vector
    examples: Matrix
    words: WordHead | None = None
    word_share: float = 0.0

    def probabilities(self, text: str, unit: Vector) -> Vector:
        """Of each label, shape (labels,); `unit` is the text's embedding."""
        by_meaning = softmax(unit @ self.weights + self.bias)
        if self.words is None or not self.word_share:
            return by_meaning
        by_words = softmax(self.words.logits(text))
        return (1 - self.word_share) * by_meaning + self.word_share * by_words

    def judge(self, text: str, unit: Vector) -> Opinion:
        chances = self.probabilities(text, unit)
        best = int(chances.argmax())
        nearest = float(np.clip((self.examples @ unit).max(initial=0.0), 0.0, 1.0))
        return Opinion(self.labels[best], float(chances[best]) * nearest, nearest)


class HeadSpecialist:
    """A label head with the encoder that it was trained on."""

    def __init__(self, head: LabelHead, encoder: Encoder) -> None:
        self._head = head
        self._encoder = encoder

    def opine(self, queries: Sequence[Query]) -> list[Opinion | None]:
        texts = [query.whole for query in queries]
        units = self._encoder.encode(texts)
        return [
            self._head.judge(text, unit) if text.strip() else None
            for text, unit in zip(texts, units, strict=True)
        ]


def softmax(logits: Vector) -> Vector:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    out: Vector = powers / powers.sum(axis=-1, keepdims=True)
    return out
