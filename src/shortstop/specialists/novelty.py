"""Is a request worded like what was learned from, its values left out?

A tagger finds 79 % of what stands in a wording that it knows and 36 % of what stands in a new one,
and is as sure of the second (measured on short sentences by template). So each value that was read
is replaced by its field's name, and the cosine with the nearest text of the training set, whose
values are replaced as well, says how well known the wording is. Words, no language: nothing is
stemmed, stopped or looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shortstop.errors import StoreError
from shortstop.specialists.nearest import NearestTexts
from shortstop.specialists.words import WordTable, terms

_DIGITS = re.compile(r"\d+")
MOST_TEXTS = 5_000
"""Of the training set that are kept, evenly spread; wordings beyond repeat."""


class Slot(NamedTuple):
    """`text[start:end]` is a value of the field `name`."""

    start: int
    end: int
    name: str


def masked(text: str, slots: Iterable[Slot]) -> str:
    """The wording alone: each value is its field's name, each other number is 0. Of values that
    overlap the first counts, of those that begin at one place the longest."""
    parts, at = [], 0
    for start, end, name in sorted(slots, key=lambda slot: (slot.start, -slot.end)):
        if start >= at:
            parts += [_DIGITS.sub("0", text[at:start]), f" _{_word(name)}_ "]
            at = end
    return "".join([*parts, _DIGITS.sub("0", text[at:])])


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name)


class Wordings:
    """The wordings that were learned from."""

    def __init__(self, texts: NearestTexts) -> None:
        self.texts = texts

    @classmethod
    def of(cls, wordings: Sequence[str]) -> Wordings:
        """`wordings` are `masked` texts."""
        step = -(-len(wordings) // MOST_TEXTS) or 1
        return cls(NearestTexts.of(wordings[::step]))

    def similarity(self, wording: str) -> float:
        """With the nearest, in [0, 1]. A term that was never met counts as much as the rarest that
        was: what is half unknown words is at most .7 like anything."""
        near = self.texts.nearest(wording)
        return near.cosine * self._met(wording) if near is not None else 0.0

    def _met(self, wording: str) -> float:
        """How much of the length of its TF-IDF vector is that of terms met, in [0, 1]."""
        table, counts, strange = self.texts.table, dict[int, int](), 0
        for term in terms(wording):
            column = table.columns.get(term)
            if column is None:
                strange += 1
            else:
                counts[column] = counts.get(column, 0) + 1
        rarest = float(table.rarity.max(initial=1.0))
        met = sum((n * float(table.rarity[column])) ** 2 for column, n in counts.items())
        return float((met / max(met + strange * rarest**2, 1e-9)) ** 0.5)


def arrays(wordings: Wordings) -> dict[str, Any]:
    """What `of_arrays` makes them of again; terms are bytes, ended by a newline each."""
    texts = wordings.texts
    spelled = "\n".join(texts.table.columns).encode("utf-8", "surrogatepass")
    return {
        "wording_terms": np.frombuffer(spelled, np.uint8),
        "wording_rarity": texts.table.rarity,
        "wording_ends": texts.ends,
        "wording_rows": texts.rows,
        "wording_values": texts.values.astype(np.float16),
        "wording_size": np.array(texts.size),
    }


def of_arrays(stored: Mapping[str, Any]) -> Wordings:
    """Raises StoreError."""
    try:
        spelled = stored["wording_terms"].tobytes().decode("utf-8", "surrogatepass")
        columns = {term: number for number, term in enumerate(spelled.split("\n"))}
        table = WordTable(columns, stored["wording_rarity"])
        values = stored["wording_values"].astype(np.float32)
        size = int(stored["wording_size"])
        texts = NearestTexts(table, stored["wording_ends"], stored["wording_rows"], values, size)
    except (KeyError, ValueError, TypeError) as error:
        raise StoreError(f"The wordings cannot be read: {error}") from error
    return Wordings(texts)
