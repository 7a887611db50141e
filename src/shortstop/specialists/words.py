"""TF-IDF of words and word pairs against a fixed vocabulary, as sparse rows without a library."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

_WORD = re.compile(r"\w+|[^\w\s]")


class SparseRow(NamedTuple):
    """The columns that are not 0, int64, and their values, float32; unit length."""

    columns: NDArray[np.int64]
    values: Vector


def terms(text: str) -> list[str]:
    """Words and marks in lower case, and pairs of neighbours."""
    words = _WORD.findall(text.lower())
    return words + [f"{a} {b}" for a, b in pairwise(words)]


class WordTable:
    """`columns` numbers the terms, `rarity` is their inverse document frequency."""

    def __init__(self, columns: dict[str, int], rarity: Vector) -> None:
        self.columns = columns
        self.rarity = rarity

    @classmethod
    def of(cls, texts: Iterable[str], *, least: int = 2, most: int = 60_000) -> WordTable:
        """The terms that at least `least` texts hold, the `most` frequent ones."""
        counts: dict[str, int] = {}
        n = 0
        for text in texts:
            n += 1
            for term in set(terms(text)):
                counts[term] = counts.get(term, 0) + 1
        kept = sorted((t for t, c in counts.items() if c >= least), key=lambda t: (-counts[t], t))
        columns = {term: number for number, term in enumerate(kept[:most])}
        frequency = np.array([counts[term] for term in columns], np.float32)
        return cls(columns, np.log((1 + n) / (1 + frequency)) + 1)

    def row(self, text: str) -> SparseRow:
        counts: dict[int, float] = {}
        for term in terms(text):
            column = self.columns.get(term)
            if column is not None:
                counts[column] = counts.get(column, 0.0) + 1.0
        columns = np.fromiter(counts, np.int64, len(counts))
        values = np.fromiter(counts.values(), np.float32, len(counts)) * self.rarity[columns]
        return SparseRow(columns, values / max(float(values @ values) ** 0.5, 1e-9))
