"""Static embeddings: a text is the weighted mean of its word pieces' vectors. No network is run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

ASCII = 128
MAX_WORD = 40
LEXICON = 16_384
"""Words that are remembered; when there are more, remembering starts anew."""
NO_WORD = -1
"""In place of a hash, for single characters."""

_WORD = re.compile(r"\w+")
_MARK = re.compile(r"[^\w\s]")
_BEYOND = re.compile(r"[^\x00-\x7f]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_FOLDED = bytes(
    ord(chr(code).lower()) if code < ASCII and _WORD.match(chr(code)) else ord(" ")
    for code in range(256)
)


class Reading(NamedTuple):
    """A text, read once.

    `hashes`: CRC-32 of every word of two characters and more, in order. `unit`: the embedding,
    zeros for a text without a known piece. `codes`: how often each ASCII character is there.
    `beyond`: the characters that are not ASCII, in order.
    """

    hashes: NDArray[np.int64]
    unit: Vector
    codes: Vector
    beyond: str


class Embedder:
    """WordPiece over `vocabulary` (longest match first), rows of `table` scaled by `scale`.

    What a word stands for is worked out once: `_sums` holds the sum of its pieces' rows.
    """

    def __init__(
        self, vocabulary: Sequence[str], table: NDArray[np.int8], scale: NDArray[np.float32]
    ) -> None:
        self._vocabulary = list(vocabulary)
        self._ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._longest = min(MAX_WORD, max(map(len, vocabulary), default=1))
        self._table = table
        self._scale = scale
        self._places: dict[str, int] = {}
        self._sums = np.zeros((256, table.shape[1]), np.float32)
        self._hashes = np.zeros(256, np.int64)
        self._marks = np.stack([self._mark(chr(code)) for code in range(ASCII)])

    @property
    def width(self) -> int:
        return int(self._table.shape[1])

    def parts(self) -> tuple[list[str], NDArray[np.int8], NDArray[np.float32]]:
        """Vocabulary, table and scale, to be written down."""
        return self._vocabulary, self._table, self._scale

    def embed(self, text: str) -> Vector:
        """Unit length; zeros for a text without a known piece."""
        return self.read(text).unit

    def tokens(self, text: str) -> int:
        """Words and marks, as they are looked up."""
        return len(_WORD.findall(text)) + len(_MARK.findall(text))

    def read(self, text: str) -> Reading:
        if text.isascii():
            data, beyond = text.encode(), ""
            words = data.translate(_FOLDED).decode().split()
        else:
            text = unicodedata.normalize("NFC", text)
            data, beyond = text.encode("ascii", "ignore"), "".join(_BEYOND.findall(text))
            words = _WORD.findall(text.lower()) + _MARK.findall(beyond)
        places = self._looked_up(words)
        codes = np.bincount(np.frombuffer(data, np.uint8), minlength=ASCII).astype(np.float32)
        hashes = self._hashes.take(places)
        return Reading(hashes[hashes != NO_WORD], self._unit(places, codes), codes, beyond)

    def _unit(self, places: NDArray[np.intp], codes: Vector) -> Vector:
        # Sums of whole numbers far below 2**24: exact in any order.
        total: Vector = np.ones(len(places), np.float32) @ self._sums.take(places, axis=0)
        total += codes @ self._marks
        total *= self._scale
        total /= max(float(total @ total) ** 0.5, 1e-9)
        return total

    def _looked_up(self, words: list[str]) -> NDArray[np.intp]:
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

    def _place(self, word: str) -> None:
        place = self._places[word] = len(self._places)
        if place >= len(self._hashes):
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
        self._sums[place] = self._sum(word)
        self._hashes[place] = crc32(word.encode(errors="replace")) if len(word) > 1 else NO_WORD

    def _mark(self, character: str) -> Vector:
        """What a mark adds; nothing for letters, which are read as words, and for blanks."""
        return self._sum(character if _MARK.match(character) else "")

    def _sum(self, word: str) -> Vector:
        pieces = self._pieces(plain(word))
        found: Vector = self._table[pieces].sum(axis=0, dtype=np.float32)
        return found

    def _pieces(self, word: str) -> list[int]:
        """Empty for a word that is not made of known pieces."""
        found: list[int] = []
        start, word = 0, word[:MAX_WORD]
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                piece = word[start:end] if start == 0 else f"##{word[start:end]}"
                if piece in self._ids:
                    found.append(self._ids[piece])
                    start = end
                    break
            else:
                return []
        return found


def plain(word: str) -> str:
    """Without accents."""
    if word.isascii():
        return word
    return _ACCENTS.sub("", unicodedata.normalize("NFD", word))
