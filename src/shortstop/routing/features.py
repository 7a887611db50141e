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
"""Bins of the hashed n-grams."""
SURFACE_WEIGHT = 0.3
"""Weight of a surface mark beside the unit embedding."""
MAX_CHARS = 6000
"""Characters of a prompt that are read."""
MIN_TURN_CHARS = 40
"""A last turn below is read together with the one before it."""

_LEFT, _RIGHT = 0x9E3779B1, 0x85EBCA77
_LOG_COUNTS: Vector = (1.0 + np.log(np.maximum(np.arange(MAX_CHARS + 1), 1))).astype(np.float32)
"""The log-scaled weight of an n-gram by its count, shape (MAX_CHARS + 1,)."""

_CLASSES = [re.compile(kind) for kind in (r"\d", r"[A-Z]", r"[^\w\s]", r"[+\-*/=^<>\\]")]
_SIGNS = "\n?$_"
# Which ASCII characters are digits, capitals, marks, mathematics, and each of the signs.
_TALLY = np.array(
    [
        [float(bool(kind.match(chr(code)))) for kind in _CLASSES]
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
"""Surface marks of a prompt."""


class PromptFeatures(NamedTuple):
    """A prompt as numbers.

    `grams`: ids in [0, BINS), rising, each once, int64 of shape (g,). `counts`: their log-scaled
    counts, at least 1, float32 of shape (g,). `dense`: the unit embedding followed by the scaled
    surface marks, float32 of shape (embedder width + MARKS,).
    """

    grams: Ids
    counts: Vector
    dense: Vector


def prompt_features(text: str, embedder: Embedder) -> PromptFeatures:
    text = text[:MAX_CHARS]
    tokenized = embedder.read(text)
    grams, counts = _counted(_grams(tokenized.hashes))
    width = len(tokenized.unit)
    dense = np.empty(width + MARKS, np.float32)
    dense[:width] = tokenized.unit
    dense[width:] = surface(text, tokenized)
    return PromptFeatures(grams, _LOG_COUNTS.take(counts), dense)


def _grams(words: Ids) -> Ids:
    """The bins of words and of pairs of neighbours: shape (w,) -> (2w - 1,)."""
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
    """Each id once, rising, and its count, both of shape (g,). Sorts `ids` in place."""
    if not len(ids):
        return ids, ids
    ids.sort()
    last = np.empty(len(ids), bool)
    last[-1] = True
    np.not_equal(ids[1:], ids[:-1], out=last[:-1])
    ends = last.nonzero()[0]
    counts = ends.copy()
    counts[0] += 1
    counts[1:] -= ends[:-1]
    return ids.take(ends), counts


def surface(text: str, tokenized: Tokenized) -> list[float]:
    """MARKS numbers: length, digits, capitals, punctuation, lines, questions, money, blanks and
    mathematics, scaled to about one, cut off at three, times SURFACE_WEIGHT."""
    n = max(len(text), 1)
    words = len(tokenized.hashes)
    digits, capitals, marks, maths, lines, questions, money, blanks = _tallies(tokenized)
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


def _tallies(tokenized: Tokenized) -> list[float]:
    """How many digits, capitals, marks, signs of mathematics; lines, questions, money, blanks."""
    tallies: list[float] = (tokenized.codes @ _TALLY).tolist()
    if tokenized.beyond:
        for i, kind in enumerate(_CLASSES):
            tallies[i] += len(kind.findall(tokenized.beyond))
    return tallies


def prompt_text(request: Request) -> str:
    """The text by which a request is judged: the last turn of the user or a tool, together with the
    one before where it is short; "" without such a turn."""
    turns = [m for m in request.messages if m.role in ("user", "tool")]
    if not turns:
        return ""
    last = "\n".join(written(p) for p in turns[-1].parts)
    if len(last) < MIN_TURN_CHARS and len(turns) > 1:
        last = "\n".join(written(p) for p in turns[-2].parts)[:MAX_CHARS] + "\n" + last
    return last
