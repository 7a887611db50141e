"""What the router sees of a prompt: hashed word n-grams, a static embedding, surface marks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log1p
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from shortstop.size import written
from shortstop.types import Request

from .embed import TOKENS, Embedder

Vector = NDArray[np.float32]
Ids = NDArray[np.int64]

BINS = 1 << 19
SURFACE_WEIGHT = 0.3
MAX_CHARS = 6000
SHORT = 40

_WORDS = re.compile(r"\w\w+")
_KINDS = [re.compile(kind) for kind in (r"\d", r"[A-Z]", r"[^\w\s]", r"[+\-*/=^<>\\]")]
_ASCII = [bytes(code for code in range(128) if kind.match(chr(code))) for kind in _KINDS]

# Rounded means and deviations of the marks over the open set's prompts: a scale, not a model.
_CENTRE = (5.8, 4.0, 0.02, 0.05, 0.05, 0.58, 1.7, 0.6, 0.05, 0.2, 0.6, 2.4)
_SPREAD = (0.8, 0.9, 0.04, 0.04, 0.03, 0.1, 0.4, 0.5, 0.3, 0.8, 0.8, 3.0)
_SCALE = tuple(zip(_CENTRE, _SPREAD, strict=True))
MARKS = len(_SCALE)


@dataclass(frozen=True, slots=True)
class View:
    """A prompt as numbers. `grams` are hashed ids, each once, `counts` their log-scaled counts;
    `dense` is the unit embedding followed by the scaled surface marks."""

    grams: Ids
    counts: Vector
    dense: Vector


def view(text: str, embedder: Embedder) -> View:
    text = text[:MAX_CHARS]
    base, unit = _words(text, embedder)
    # A pair's hash is made from its words' hashes: cheaper than hashing the joined text.
    pairs = (base[:-1] * np.uint64(0x9E3779B1) + base[1:] * np.uint64(0x85EBCA77)) >> np.uint64(7)
    bins = np.concatenate([base, pairs]) & np.uint64(BINS - 1)
    grams, counts = _counted(bins.astype(np.int64))
    marks = surface(text, len(base))
    dense = np.empty(len(unit) + MARKS, np.float32)
    dense[: len(unit)] = unit
    dense[len(unit) :] = [SURFACE_WEIGHT * mark for mark in marks]
    return View(grams, (1.0 + np.log(counts)).astype(np.float32), dense)


def _words(text: str, embedder: Embedder) -> tuple[NDArray[np.uint64], Vector]:
    """The hash of every word of two characters and more, and the text's embedding.

    In plain ASCII both are read off the same tokens.
    """
    if not text.isascii():
        hashed = [crc32(word.encode()) for word in _WORDS.findall(text.lower())]
        return np.array(hashed, np.uint64), embedder.embed(text)
    places = embedder.places(TOKENS.findall(text.lower()))
    hashes = embedder.hashes(places)
    return hashes[hashes >= 0].astype(np.uint64), embedder.mean(places)


def _counted(ids: Ids) -> tuple[Ids, NDArray[np.int64]]:
    """Each id once, rising, and how often it is there."""
    if not len(ids):
        return ids, ids
    ids.sort()
    first = np.empty(len(ids), bool)
    first[0] = True
    np.not_equal(ids[1:], ids[:-1], out=first[1:])
    at = first.nonzero()[0]
    counts = np.empty(len(at), np.int64)
    counts[:-1] = at[1:] - at[:-1]
    counts[-1] = len(ids) - at[-1]
    return ids[at], counts


def surface(text: str, words: int) -> list[float]:
    """Length, digits, capitals, punctuation, lines, questions, money, blanks, mathematics."""
    n = max(len(text), 1)
    lines = text.split("\n")
    digits, capitals, marks, maths = _classes(text)
    raw = (
        log1p(n),
        log1p(words),
        digits / n,
        capitals / n,
        marks / n,
        n / max(words, 1) / 10,
        log1p(len(lines) - 1),
        float("?" in text),
        log1p(text.count("$")),
        log1p(text.count("_")),
        log1p(maths),
        max(map(len, lines)) / 100,
    )
    return [
        min(3.0, max(-3.0, (value - centre) / spread))
        for value, (centre, spread) in zip(raw, _SCALE, strict=True)
    ]


def _classes(text: str) -> list[int]:
    """How many digits, capitals, punctuation marks and signs of mathematics."""
    if not text.isascii():
        return [len(kind.findall(text)) for kind in _KINDS]
    data = text.encode()
    return [len(data) - len(data.translate(None, kind)) for kind in _ASCII]


def prompt(request: Request) -> str:
    """The text that tells how hard a request is: the last turn, with the one before if short."""
    turns = [m for m in request.messages if m.role in ("user", "tool")]
    if not turns:
        return ""
    last = "\n".join(written(p) for p in turns[-1].parts)
    if len(last) < SHORT and len(turns) > 1:
        last = "\n".join(written(p) for p in turns[-2].parts)[:MAX_CHARS] + "\n" + last
    return last
