"""Values met in training, and which of them a new one is a misspelling of.

A noisy channel (Kernighan, Church & Gale 1990): a value that was met often is written in place of a
nearly equal one, by its frequency and how far that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log

from msgspec import Struct

from shortstop.specialists.copy.forms import loose

NEAR = 0.88
"""Likeness of loose spellings, in [0, 1], from which on a value may be a misspelling."""
UNMET = 0.5
"""How often a value counts as met that was not."""


class Met(Struct, frozen=True):
    """As it was written most often, and how often it was met."""

    value: str
    times: int


class KnownValues(Struct, frozen=True):
    """`values` by their loose spelling. `slope` is the price of a hundredth of unlikeness, in
    natural logarithms of frequency; 0: nothing is mended. `trust` in [0, 1] is how often a mended
    value was right."""

    values: dict[str, Met] = {}
    slope: float = 0.0
    trust: float = 1.0

    @classmethod
    def of(cls, values: Iterable[str]) -> KnownValues:
        spelled: dict[str, dict[str, int]] = {}
        for value in values:
            ways = spelled.setdefault(loose(value)[0], {})
            ways[value] = ways.get(value, 0) + 1
        return cls(
            {key: Met(max(ways, key=ways.__getitem__), sum(ways.values()))
             for key, ways in spelled.items() if key}
        )  # fmt: skip

    def mended(self, key: str) -> str:
        """The loose spelling of what `key`, a loose spelling, most likely is."""
        if not self.slope or not self.values or not key:
            return key
        from rapidfuzz import fuzz, process

        own = self.values.get(key)
        best, most = key, log(own.times if own else UNMET)
        near = process.extract(
            key, self.values.keys(), scorer=fuzz.ratio, score_cutoff=100 * NEAR, limit=10
        )
        for other, likeness, _ in near:
            score = log(self.values[other].times) - self.slope * (100 - likeness)
            if score > most:
                best, most = other, score
        return best
