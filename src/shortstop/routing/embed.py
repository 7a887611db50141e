"""Static embeddings: a text is the weighted mean of its word pieces' vectors. No network is run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

ASCII = 128
MAX_WORD = 40
LEXICON = 16_384
"""Rows for words of several pieces; when there are more, remembering starts anew."""
ROOM = 2048
"""Rows that are made at once for them."""
NO_WORD = -1
"""In place of a hash, for single characters."""

_WORD = re.compile(r"\w+")
_MARK = re.compile(r"[^\w\s]")
_BEYOND = re.compile(r"[^\x00-\x7f]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_FOLDED = bytes(
    ord(chr(code).lower())
    if code < ASCII and _WORD.match(chr(code))
    else code
    if code >= ASCII
    else ord(" ")
    for code in range(256)
)
"""UTF-8 in lower case, with blanks for ASCII's marks."""


class Tokenized(NamedTuple):
    """A text, read once.

    `hashes`: CRC-32 of every word of two characters and more, in order. `unit`: the embedding,
    zeros for a text without a known piece. `codes`: how often each ASCII character is there.
    `beyond`: those that are not ASCII, in lower case and in order.
    """

    hashes: NDArray[np.int64]
    unit: Vector
    codes: Vector
    beyond: str


class _Lexicon(dict[str, int]):
    """Asks `find` for a word that it lacks, once."""

    def __init__(self, find: Callable[[str], int]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> int:
        place = self[word] = self._find(word)
        return place


class Embedder:
    """WordPiece over `vocabulary` (longest match first), rows of `table` scaled by `scale`.

    Where a word's row stands is worked out once. A word of several pieces gets a row of its own,
    their sum, behind the table's.
    """

    def __init__(
        self, vocabulary: Sequence[str], table: NDArray[np.int8], scale: NDArray[np.float32]
    ) -> None:
        self._vocabulary = list(vocabulary)
        self._scale = scale
        self._pieces = len(self._vocabulary)
        self._longest = min(MAX_WORD, max(map(len, vocabulary), default=1))
        self._rows = table.astype(np.int16)
        self._hashes = np.array([_hash(word) for word in vocabulary], np.int64)
        self._ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._places = _Lexicon(self._placed)
        self._made = 0
        self._marks = np.zeros((ASCII, table.shape[1]), np.float32)
        for code, place in enumerate(map(self._ids.get, map(chr, range(ASCII)))):
            if place is not None and _MARK.match(chr(code)):
                self._marks[code] = table[place]

    @property
    def width(self) -> int:
        return len(self._scale)

    def parts(self) -> tuple[list[str], NDArray[np.int8], NDArray[np.float32]]:
        """Vocabulary, table and scale, to be written down."""
        return self._vocabulary, self._rows[: self._pieces].astype(np.int8), self._scale

    def embed(self, text: str) -> Vector:
        """Unit length; zeros for a text without a known piece."""
        return self.read(text).unit

    def tokens(self, text: str) -> int:
        """Words and marks, as they are looked up."""
        return len(_WORD.findall(text)) + len(_MARK.findall(text))

    def read(self, text: str) -> Tokenized:
        beyond = ""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
            beyond = "".join(_BEYOND.findall(text.lower()))
        places = self._looked_up(_words(text, beyond))
        data = np.frombuffer(text.encode(errors="ignore"), np.uint8)
        codes = np.bincount(data, minlength=ASCII)[:ASCII].astype(np.float32)
        hashes = self._hashes.take(places)
        return Tokenized(hashes[hashes != NO_WORD], self._unit(places, codes), codes, beyond)

    def _unit(self, places: NDArray[np.intp], codes: Vector) -> Vector:
        # Sums of whole numbers far below 2**24: exact in any order.
        rows = self._rows.take(places, axis=0).astype(np.float32)
        total: Vector = np.ones(len(rows), np.float32) @ rows
        total += codes @ self._marks
        total *= self._scale
        total /= max(float(total @ total) ** 0.5, 1e-9)
        return total

    def _looked_up(self, words: list[str]) -> NDArray[np.intp]:
        """The row of each word."""
        if self._made > LEXICON:
            self._places.clear()
            self._made = 0
        return np.fromiter(map(self._places.__getitem__, words), np.intp, len(words))

    def _placed(self, word: str) -> int:
        place = self._ids.get(word)
        return self._make(word) if place is None else place

    def _make(self, word: str) -> int:
        """A row for a word of several pieces."""
        place = self._pieces + self._made
        self._made += 1
        if place >= len(self._hashes):
            self._rows = np.concatenate([self._rows, np.zeros((ROOM, self.width), np.int16)])
            self._hashes = np.concatenate([self._hashes, np.zeros(ROOM, np.int64)])
        row = self._rows[place]
        row.fill(0)
        for piece in self._split(plain(word)):
            np.add(row, self._rows[piece], out=row)
        self._hashes[place] = _hash(word)
        return place

    def _split(self, word: str) -> list[int]:
        """Its pieces; empty for a word that is not made of known ones."""
        found: list[int] = []
        start, word = 0, word[:MAX_WORD]
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                piece = word[start:end] if start == 0 else f"##{word[start:end]}"
                place = self._ids.get(piece)
                if place is not None:
                    found.append(place)
                    start = end
                    break
            else:
                return []
        return found


def _hash(word: str) -> int:
    return crc32(word.encode(errors="replace")) if len(word) > 1 else NO_WORD


def _words(text: str, beyond: str) -> list[str]:
    """In lower case and in order, then the marks that are not ASCII. Faster than a pattern."""
    marks = []
    if beyond:
        marks = _MARK.findall(beyond)
        text = text.lower()
        for mark in set(marks):
            text = text.replace(mark, " ")
    return text.encode(errors="ignore").translate(_FOLDED).decode().split() + marks


def plain(word: str) -> str:
    """Without accents."""
    if word.isascii():
        return word
    return _ACCENTS.sub("", unicodedata.normalize("NFD", word))
