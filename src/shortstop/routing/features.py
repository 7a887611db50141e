"""What the router sees of a prompt: hashed word n-grams, a static embedding, surface marks."""

from __future__ import annotations

import re
from math import copysign, log1p
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.routing.embed import ASCII, Embedder, Tokenized
from shortstop.tokens import written
from shortstop.types import Request

Vector = NDArray[np.float32]
Ids = NDArray[np.int64]

BINS = 1 << 19
SURFACE_WEIGHT = 0.3
MAX_CHARS = 6000
SHORT = 40

_LEFT, _RIGHT = 0x9E3779B1, 0x85EBCA77
_LOGS: Vector = (1.0 + np.log(np.maximum(np.arange(MAX_CHARS + 1), 1))).astype(np.float32)
"""What a gram counts for that is there so often."""

_KINDS = [re.compile(kind) for kind in (r"\d", r"[A-Z]", r"[^\w\s]", r"[+\-*/=^<>\\]")]
_SIGNS = "\n?$_"
# Which ASCII characters are digits, capitals, marks, mathematics, and each of the signs.
_TALLIED = np.array(
    [
        [float(bool(kind.match(chr(code)))) for kind in _KINDS]
        + [float(chr(code) == s) for s in _SIGNS]
        for code in range(ASCII)
    ],
    np.float32,
)

# Rounded means and deviations of the marks over the open set's prompts: a scale, not a model.
_CENTRE = (5.8, 4.0, 0.02, 0.05, 0.05, 0.58, 1.7, 0.6, 0.05, 0.2, 0.6, 2.4)
_SPREAD = (0.8, 0.9, 0.04, 0.04, 0.03, 0.1, 0.4, 0.5, 0.3, 0.8, 0.8, 3.0)
_SCALE = tuple(zip(_CENTRE, _SPREAD, strict=True))
MARKS = len(_SCALE)


class PromptFeatures(NamedTuple):
    """A prompt as numbers. `grams` are hashed ids, each once, `counts` their log-scaled counts;
    `dense` is the unit embedding followed by the scaled surface marks."""

    grams: Ids
    counts: Vector
    dense: Vector


def view(text: str, embedder: Embedder) -> PromptFeatures:
    text = text[:MAX_CHARS]
    read = embedder.read(text)
    grams, counts = _counted(_grams(read.hashes))
    width = len(read.unit)
    dense = np.empty(width + MARKS, np.float32)
    dense[:width] = read.unit
    dense[width:] = surface(text, read)
    return PromptFeatures(grams, _LOGS.take(counts), dense)


def _grams(words: Ids) -> Ids:
    """The bins of words and of pairs of neighbours."""
    n = len(words)
    bins = np.empty(max(2 * n - 1, 0), np.int64)
    bins[:n] = words
    # A pair's hash is made from its words' hashes: cheaper than hashing the joined text.
    pairs = bins[n:]
    np.multiply(words[:-1], _LEFT, out=pairs)
    pairs += words[1:] * _RIGHT
    pairs >>= 7
    bins &= BINS - 1
    return bins


def _counted(ids: Ids) -> tuple[Ids, Ids]:
    """Each id once, rising, and how often it is there. Sorts `ids`."""
    if not len(ids):
        return ids, ids
    ids.sort()
    last = np.empty(len(ids), bool)
    last[-1] = True
    np.not_equal(ids[1:], ids[:-1], out=last[:-1])
    at = last.nonzero()[0]
    counts = at.copy()
    counts[0] += 1
    counts[1:] -= at[:-1]
    return ids.take(at), counts


def surface(text: str, read: Tokenized) -> list[float]:
    """Length, digits, capitals, punctuation, lines, questions, money, blanks, mathematics: scaled
    to about one, times SURFACE_WEIGHT."""
    n = max(len(text), 1)
    words = len(read.hashes)
    digits, capitals, marks, maths, lines, questions, money, blanks = _tallies(read)
    raw = (
        log1p(n),
        log1p(words),
        digits / n,
        capitals / n,
        marks / n,
        n / max(words, 1) / 10,
        log1p(lines),
        float(questions > 0),
        log1p(money),
        log1p(blanks),
        log1p(maths),
        max(map(len, text.split("\n"))) / 100,
    )
    scaled = [
        (value - centre) / spread for value, (centre, spread) in zip(raw, _SCALE, strict=True)
    ]
    return [SURFACE_WEIGHT * (v if -3.0 < v < 3.0 else copysign(3.0, v)) for v in scaled]


def _tallies(read: Tokenized) -> list[float]:
    """How many digits, capitals, marks, signs of mathematics; lines, questions, money, blanks."""
    found: list[float] = (read.codes @ _TALLIED).tolist()
    if read.beyond:
        for i, kind in enumerate(_KINDS):
            found[i] += len(kind.findall(read.beyond))
    return found


def prompt(request: Request) -> str:
    """The text that tells how hard a request is: the last turn, with the one before if short."""
    turns = [m for m in request.messages if m.role in ("user", "tool")]
    if not turns:
        return ""
    last = "\n".join(written(p) for p in turns[-1].parts)
    if len(last) < SHORT and len(turns) > 1:
        last = "\n".join(written(p) for p in turns[-2].parts)[:MAX_CHARS] + "\n" + last
    return last
