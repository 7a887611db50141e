"""Static embeddings: a text is the weighted mean of its word pieces' vectors. No network is run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

TOKENS = re.compile(r"\w+|[^\w\s]")
_ACCENTS = re.compile("[\u0300-\u036f]")
MAX_WORD = 40
LEXICON = 16_384
"""Words that are remembered; when there are more, remembering starts anew."""


class Embedder:
    """WordPiece over `vocabulary` (longest match first), rows of `table` scaled by `scale`.

    What a word stands for is worked out once: `sums` holds the sum of its pieces' rows.
    """

    def __init__(
        self, vocabulary: Sequence[str], table: NDArray[np.int8], scale: NDArray[np.float32]
    ) -> None:
        self._vocabulary = list(vocabulary)
        self._ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._table = table
        self._scale = scale
        self._places: dict[str, int] = {}
        self._sums = np.zeros((256, table.shape[1]), np.float32)
        self._hashes = np.zeros(256, np.int64)

    @property
    def width(self) -> int:
        return int(self._table.shape[1])

    def parts(self) -> tuple[list[str], NDArray[np.int8], NDArray[np.float32]]:
        """Vocabulary, table and scale, to be written down."""
        return self._vocabulary, self._table, self._scale

    def embed(self, text: str) -> Vector:
        """Unit length; zeros for a text without a known piece."""
        return self.mean(self.places(TOKENS.findall(plain(text))))

    def tokens(self, text: str) -> int:
        """Words and marks, as they are looked up."""
        return len(TOKENS.findall(plain(text)))

    def places(self, words: list[str]) -> NDArray[np.intp]:
        """Where each word stands in the lexicon."""
        try:
            return self._known(words)
        except KeyError:
            self._meet(words)
            return self._known(words)

    def _known(self, words: list[str]) -> NDArray[np.intp]:
        return np.fromiter(map(self._places.__getitem__, words), np.intp, len(words))

    def _meet(self, words: list[str]) -> None:
        if len(self._places) + len(words) > LEXICON:
            self._places.clear()
        for word in words:
            if word not in self._places:
                self._place(word)

    def mean(self, places: NDArray[np.intp]) -> Vector:
        """The unit vector of words, by their places."""
        # Sums of whole numbers far below 2**24: exact in any order.
        total = (np.ones(len(places), np.float32) @ self._sums.take(places, axis=0)) * self._scale
        length = float(total @ total) ** 0.5
        return total / max(length, 1e-9)  # type: ignore[no-any-return]

    def hashes(self, places: NDArray[np.intp]) -> NDArray[np.int64]:
        """CRC-32 of each word; -1 for single characters."""
        return self._hashes.take(places)

    def _place(self, word: str) -> None:
        place = self._places[word] = len(self._places)
        if place >= len(self._hashes):
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
        row = self._sums[place]
        row.fill(0.0)
        for piece in self._pieces(word):
            row += self._table[piece]
        self._hashes[place] = crc32(word.encode()) if len(word) > 1 else -1

    def _pieces(self, word: str) -> list[int]:
        """Empty for a word that is not made of known pieces."""
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
                return []
        return found


def plain(text: str) -> str:
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    return _ACCENTS.sub("", unicodedata.normalize("NFD", lowered))
