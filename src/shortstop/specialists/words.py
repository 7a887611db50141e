"""TF-IDF against a fixed vocabulary, as sparse rows without a library: of words and word pairs, or
of the letters inside words, which say more in languages that the sentence encoder knows little."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

_WORD = re.compile(r"\w+|[^\w\s]")
GRAM_LENGTHS = (2, 3, 4, 5)
MOST_LETTERS = 4_000
"""Of a text that are read as letters."""

Terms = Callable[[str], list[str]]


class SparseRow(NamedTuple):
    """The columns that are not 0, int64, and their values, float32; unit length."""

    columns: NDArray[np.int64]
    values: Vector


def terms(text: str) -> list[str]:
    """Words and marks in lower case, and pairs of neighbours."""
    words = _WORD.findall(text.lower())
    return words + [f"{a} {b}" for a, b in pairwise(words)]


def grams(text: str) -> list[str]:
    """Runs of 2 to 5 letters inside words and at their edges, in lower case without accents."""
    plain = unicodedata.normalize("NFKD", text[:MOST_LETTERS].lower())
    words = "".join(c for c in plain if not unicodedata.combining(c)).split()
    return [
        word[i : i + n]
        for word in (f" {word} " for word in words)
        for n in GRAM_LENGTHS
        for i in range(len(word) - n + 1)
    ]


class WordTable:
    """`columns` numbers the terms, `rarity` is their inverse document frequency, `terms` reads them
    out of a text."""

    def __init__(self, columns: dict[str, int], rarity: Vector, terms: Terms = terms) -> None:
        self.columns = columns
        self.rarity = rarity
        self.terms = terms

    @classmethod
    def of(
        cls, texts: Iterable[str], *, least: int = 2, most: int = 60_000, terms: Terms = terms
    ) -> WordTable:
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
        return cls(columns, np.log((1 + n) / (1 + frequency)) + 1, terms)

    def row(self, text: str) -> SparseRow:
        counts: dict[int, float] = {}
        for term in self.terms(text):
            column = self.columns.get(term)
            if column is not None:
                counts[column] = counts.get(column, 0.0) + 1.0
        columns = np.fromiter(counts, np.int64, len(counts))
        often = np.fromiter(counts.values(), np.float32, len(counts))
        values = (1 + np.log(often)) * self.rarity[columns]
        return SparseRow(columns, values / max(float(values @ values) ** 0.5, 1e-9))
