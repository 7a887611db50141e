"""Static embeddings: the weighted mean of a text's word-piece vectors. No neural network runs."""

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
MAX_WORD_CHARS = 40
"""Characters of a word that are looked up."""
MAX_DERIVED_ROWS = 16_384
"""Rows kept for words of several pieces; beyond, all of them are forgotten."""
DERIVED_ROWS_STEP = 2048
"""Rows by which the table grows for them."""
NO_HASH = -1
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

    `hashes`: CRC-32 of every word of two or more characters, in order, int64 of shape (words,).
    `unit`: the embedding, float32 of shape (width,), zeros for a text without a known piece.
    `codes`: how often each ASCII character occurs, float32 of shape (ASCII,). `beyond`: the
    characters that are not ASCII, in lower case and in order.
    """

    hashes: NDArray[np.int64]
    unit: Vector
    codes: Vector
    beyond: str


class _Lexicon(dict[str, int]):
    """Row numbers by word; `find` is called once for each word that is missing."""

    def __init__(self, find: Callable[[str], int]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> int:
        row = self[word] = self._find(word)
        return row


class Embedder:
    """WordPiece over `vocabulary` (longest match first), rows of `table` scaled by `scale`.

    `table` is int8 of shape (len(vocabulary), width), `scale` float32 of shape (width,). A word's
    row is looked up once. A word of several pieces gets a derived row, their sum, after the
    table's own.
    """

    def __init__(
        self, vocabulary: Sequence[str], table: NDArray[np.int8], scale: NDArray[np.float32]
    ) -> None:
        self._vocabulary = list(vocabulary)
        self._scale = scale
        self._pieces = len(self._vocabulary)
        self._longest = min(MAX_WORD_CHARS, max(map(len, vocabulary), default=1))
        self._rows = table.astype(np.int16)
        self._hashes = np.array([_hash(word) for word in vocabulary], np.int64)
        self._ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._lexicon = _Lexicon(self._row)
        self._derived = 0
        self._marks = np.zeros((ASCII, table.shape[1]), np.float32)
        for code, row in enumerate(map(self._ids.get, map(chr, range(ASCII)))):
            if row is not None and _MARK.match(chr(code)):
                self._marks[code] = table[row]

    @property
    def width(self) -> int:
        return len(self._scale)

    def parts(self) -> tuple[list[str], NDArray[np.int8], NDArray[np.float32]]:
        """Vocabulary, table and scale, as the constructor takes them."""
        return self._vocabulary, self._rows[: self._pieces].astype(np.int8), self._scale

    def embed(self, text: str) -> Vector:
        """Float32 of shape (width,) and unit length; zeros for a text without a known piece."""
        return self.read(text).unit

    def tokens(self, text: str) -> int:
        """How many words and marks are looked up."""
        return len(_WORD.findall(text)) + len(_MARK.findall(text))

    def read(self, text: str) -> Tokenized:
        beyond = ""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
            beyond = "".join(_BEYOND.findall(text.lower()))
        rows = self._looked_up(_words(text, beyond))
        data = np.frombuffer(text.encode(errors="ignore"), np.uint8)
        codes = np.bincount(data, minlength=ASCII)[:ASCII].astype(np.float32)
        hashes = self._hashes.take(rows)
        return Tokenized(hashes[hashes != NO_HASH], self._unit(rows, codes), codes, beyond)

    def _unit(self, rows: NDArray[np.intp], codes: Vector) -> Vector:
        # Sums of whole numbers far below 2**24: exact in any order.
        vectors = self._rows.take(rows, axis=0).astype(np.float32)
        total: Vector = np.ones(len(vectors), np.float32) @ vectors
        total += codes @ self._marks
        total *= self._scale
        total /= max(float(total @ total) ** 0.5, 1e-9)
        return total

    def _looked_up(self, words: list[str]) -> NDArray[np.intp]:
        """The number of each word's row, shape (words,)."""
        if self._derived > MAX_DERIVED_ROWS:
            self._lexicon.clear()
            self._derived = 0
        return np.fromiter(map(self._lexicon.__getitem__, words), np.intp, len(words))

    def _row(self, word: str) -> int:
        row = self._ids.get(word)
        return self._derive(word) if row is None else row

    def _derive(self, word: str) -> int:
        """Add a row for a word of several pieces."""
        number = self._pieces + self._derived
        self._derived += 1
        if number >= len(self._hashes):
            self._rows = np.concatenate(
                [self._rows, np.zeros((DERIVED_ROWS_STEP, self.width), np.int16)]
            )
            self._hashes = np.concatenate([self._hashes, np.zeros(DERIVED_ROWS_STEP, np.int64)])
        row = self._rows[number]
        row.fill(0)
        for piece in self._split(plain(word)):
            np.add(row, self._rows[piece], out=row)
        self._hashes[number] = _hash(word)
        return number

    def _split(self, word: str) -> list[int]:
        """The rows of its pieces; empty for a word that is not made of known ones."""
        pieces: list[int] = []
        start, word = 0, word[:MAX_WORD_CHARS]
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                piece = word[start:end] if start == 0 else f"##{word[start:end]}"
                row = self._ids.get(piece)
                if row is not None:
                    pieces.append(row)
                    start = end
                    break
            else:
                return []
        return pieces


def _hash(word: str) -> int:
    return crc32(word.encode(errors="replace")) if len(word) > 1 else NO_HASH


def _words(text: str, beyond: str) -> list[str]:
    """Words in lower case, in order, then the marks that are not ASCII. Faster than a pattern."""
    marks = []
    if beyond:
        marks = _MARK.findall(beyond)
        text = text.lower()
        for mark in set(marks):
            text = text.replace(mark, " ")
    return text.encode(errors="ignore").translate(_FOLDED).decode().split() + marks


def plain(word: str) -> str:
    """The word without accents."""
    if word.isascii():
        return word
    return _ACCENTS.sub("", unicodedata.normalize("NFD", word))
