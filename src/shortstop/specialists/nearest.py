"""The nearest of many texts, by their words: the novelty guard's question, and the repeat's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.words import SparseRow, Vector, WordTable


class Near(NamedTuple):
    """The number of the nearest text, and the cosine of its TF-IDF vector, in [0, 1]."""

    row: int
    cosine: float


class NearestTexts:
    """An inverted index: `ends` (terms + 1,), `rows` and `values` by term, of `size` texts."""

    def __init__(
        self,
        table: WordTable,
        ends: NDArray[np.int64],
        rows: NDArray[np.int32],
        values: Vector,
        size: int,
    ) -> None:
        self.table = table
        self.ends, self.rows, self.values = ends, rows, values
        self.size = size

    @classmethod
    def of(cls, texts: Sequence[str]) -> NearestTexts:
        table = WordTable.of(texts, least=1)
        return cls.indexed(table, [table.row(text) for text in texts])

    @classmethod
    def indexed(cls, table: WordTable, sparse: Sequence[SparseRow]) -> NearestTexts:
        columns = np.concatenate([np.zeros(0, np.int64), *(row.columns for row in sparse)])
        values = np.concatenate([np.zeros(0, np.float32), *(row.values for row in sparse)])
        rows = np.repeat(np.arange(len(sparse), dtype=np.int32), [len(r.columns) for r in sparse])
        order = np.argsort(columns, kind="stable")
        counts = np.bincount(columns, minlength=len(table.columns))
        ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(table, ends, rows[order], values[order], len(sparse))

    def nearest(self, text: str) -> Near | None:
        """None where no text shares a word with it."""
        cosines = self.cosines(text)
        if cosines is None:
            return None
        best = int(cosines.argmax())
        return Near(best, float(cosines[best]))

    def cosines(self, text: str) -> Vector | None:
        """With each text, in [0, 1], of shape (size,); None where none shares a word with it."""
        row = self.table.row(text)
        if not len(row.columns):
            return None
        cosines: Vector = np.zeros(self.size, np.float32)
        for column, value in zip(row.columns.tolist(), row.values.tolist(), strict=True):
            span = slice(self.ends[column], self.ends[column + 1])
            cosines[self.rows[span]] += value * self.values[span]
        return np.minimum(cosines, 1.0)
