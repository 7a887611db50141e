"""Static embeddings: a text is the weighted mean of its word pieces' vectors. No network is run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

_PIECES = re.compile(r"\w+|[^\w\s]")
_ACCENTS = re.compile("[\u0300-\u036f]")
MAX_WORD = 40
CACHE = 50_000


class Embedder:
    """WordPiece over `vocabulary` (longest match first), rows of `table` scaled by `scale`."""

    def __init__(
        self, vocabulary: Sequence[str], table: NDArray[np.int8], scale: NDArray[np.float32]
    ) -> None:
        self._vocabulary = list(vocabulary)
        self._ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._table = table
        self._scale = scale
        self._cache: dict[str, tuple[int, ...]] = {}

    @property
    def width(self) -> int:
        return int(self._table.shape[1])

    def parts(self) -> tuple[list[str], NDArray[np.int8], NDArray[np.float32]]:
        """Vocabulary, table and scale, to be written down."""
        return self._vocabulary, self._table, self._scale

    def embed(self, text: str) -> Vector:
        """Unit length; zeros for a text without a known piece."""
        ids: list[int] = []
        known = self._cache
        for word in _PIECES.findall(_plain(text)):
            pieces = known.get(word)
            ids += self._pieces(word) if pieces is None else pieces
        if not ids:
            return np.zeros(self.width, np.float32)
        mean = self._table[ids].sum(axis=0, dtype=np.int32) * self._scale
        unit: Vector = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
        return unit

    def _pieces(self, word: str) -> tuple[int, ...]:
        found: list[int] = []
        start, word = 0, word[:MAX_WORD]
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else f"##{word[start:end]}"
                if piece in self._ids:
                    found.append(self._ids[piece])
                    start = end
                    break
            else:
                found.clear()
                break
        if len(self._cache) >= CACHE:
            self._cache.clear()
        self._cache[word] = tuple(found)
        return self._cache[word]


def _plain(text: str) -> str:
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    return _ACCENTS.sub("", unicodedata.normalize("NFD", lowered))
