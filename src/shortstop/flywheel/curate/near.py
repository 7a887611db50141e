"""Examples that say the same as another one: by their words (MinHash), by their meaning (cosine).

Two requests are doubles only where their answers are the same, too: requests made from one form
differ by a word or two, and those words are what is learned.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.examples import Example
from shortstop.specialists.encoder import Encoder

PERMUTATIONS, BANDS = 64, 16
ALIKE = 0.85
"""Estimated Jaccard similarity of word triples from which on two texts are doubles."""
SAME_MEANING = 0.98
"""Cosine of embeddings from which on they are."""
SHINGLE = 3
_WORD = re.compile(r"\w+")
_PRIME = (1 << 61) - 1

Signatures = NDArray[np.uint64]


def signatures(texts: Sequence[str]) -> Signatures:
    """MinHash signatures, uint64 of shape (len(texts), PERMUTATIONS)."""
    draws = np.random.default_rng(0)
    factors = draws.integers(1, 1 << 31, PERMUTATIONS, dtype=np.uint64)
    offsets = draws.integers(0, 1 << 31, PERMUTATIONS, dtype=np.uint64)
    out: Signatures = np.zeros((len(texts), PERMUTATIONS), np.uint64)
    for row, text in zip(out, texts, strict=True):
        hashes = np.fromiter(_shingles(text), np.uint64)
        row[:] = ((hashes[:, None] * factors + offsets) % np.uint64(_PRIME)).min(axis=0)
    return out


def _shingles(text: str) -> Iterable[int]:
    """32 bits for each run of three words, at least one."""
    words = _WORD.findall(text.lower())
    runs = {" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))}
    for run in runs:
        yield int.from_bytes(blake2b(run.encode("utf-8", "surrogatepass"), digest_size=4).digest())


class Doubles:
    """Finds earlier examples with nearly the same words and the same answer."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, bytes, str], int] = {}
        self._signatures: list[NDArray[Any]] = []

    def meet(self, example: Example, signature: NDArray[np.uint64]) -> bool:
        """Whether one like it was met before; remembers it if not."""
        keys = [(band, signature[band::BANDS].tobytes(), example.answer) for band in range(BANDS)]
        for key in keys:
            known = self._buckets.get(key)
            if known is not None and (self._signatures[known] == signature).mean() >= ALIKE:
                return True
        for key in keys:
            self._buckets.setdefault(key, len(self._signatures))
        self._signatures.append(signature)
        return False


def without_doubles(examples: Sequence[Example], encoder: Encoder | None) -> list[Example]:
    """The first of each group of doubles, in the same order."""
    marks = signatures([example.query.whole for example in examples])
    doubles = Doubles()
    apart = [e for e, mark in zip(examples, marks, strict=True) if not doubles.meet(e, mark)]
    return apart if encoder is None else _different_in_meaning(apart, encoder)


def _different_in_meaning(examples: list[Example], encoder: Encoder) -> list[Example]:
    units = encoder.encode([example.query.whole for example in examples])
    groups: dict[str, list[int]] = defaultdict(list)
    for number, example in enumerate(examples):
        groups[example.answer].append(number)
    dropped: set[int] = set()
    for group in groups.values():
        rows = units[group]
        for place in range(1, len(group)):
            earlier = [i for i in range(place) if group[i] not in dropped]
            if earlier and float((rows[earlier] @ rows[place]).max()) >= SAME_MEANING:
                dropped.add(group[place])
    return [example for number, example in enumerate(examples) if number not in dropped]
