"""Recorded JSON answers as a table: a row for each example, a column for each field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import NotLearned
from shortstop.specialists.composed.field import MISSING
from shortstop.specialists.copy.forms import loose
from shortstop.specialists.copy.page import Page
from shortstop.specialists.encoder import Encoder, Matrix
from shortstop.specialists.json_object import JsonObject, common_style, read

LEAST_OBJECTS = 0.6
"""Share of a task's answers that must be JSON objects; the others are the teacher's slips."""
LEAST_ROWS = 50
RARE = 0.1
"""Share of the answers with a field below which it is a slip, too."""
REPEATS = 0.3
"""Share of a field's values that must have been met before for it to tell known from new."""


UTTERANCE = 80
"""Tokens of a text that is all wording and values."""


class Corpus:
    """The rows whose answers are objects of the usual fields, `names`, with `values[name]` for each
    row: JSON or MISSING. Raises NotLearned."""

    def __init__(self, rows: Sequence[Example], encoder: Encoder | None) -> None:
        pairs = [(row, one) for row in rows if (one := read(row.answer)) is not None]
        if len(pairs) < LEAST_OBJECTS * len(rows):
            raise NotLearned("Its answers are no JSON objects.")
        self.names = _names([one for _, one in pairs])
        pages = [Page(row.query.whole, self._embed) for row, _ in pairs]
        kept = [
            (row, one, page)
            for (row, one), page in zip(pairs, pages, strict=True)
            if set(one.fields) <= set(self.names) and page.readable
        ]
        if len(kept) < LEAST_ROWS or not self.names:
            raise NotLearned(f"{len(kept)} of its answers have the usual fields.")
        self.rows = [row for row, _, _ in kept]
        self.pages = [page for _, _, page in kept]
        self.values: dict[str, list[Any]] = {
            name: [one.fields.get(name, MISSING) for _, one, _ in kept] for name in self.names
        }
        self.style = common_style(one.style for _, one, _ in kept)
        self.encoder = encoder

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def units(self) -> Matrix:
        """The embedding of each row's text; there must be an encoder."""
        assert self.encoder is not None
        return self.encoder.encode([page.text for page in self.pages])

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {page.text: number for number, page in enumerate(self.pages)}

    def _embed(self, text: str) -> Any:
        return self.units[self._numbers[text]]

    @property
    def short(self) -> bool:
        """Whether its texts are utterances: of a paper, what is not value is no wording either."""
        return float(np.median([len(page.tokens) for page in self.pages])) <= UTTERANCE

    def repeats(self, name: str) -> bool:
        """Whether a field's values are met again, such as the vendor of an invoice: a new one is a
        new layout. Figures and dates repeat by chance, and do not count."""
        return _repeating(self.values[name]) >= REPEATS


def _repeating(values: Sequence[Any]) -> float:
    """The share of values that others have, too; 0 where they are no words or one alone."""
    keys = [loose(value)[0] for value in values if isinstance(value, str)]
    wordy = sum(any(c.isalpha() for c in key) for key in keys) > 0.9 * len(values)
    counts = Counter(keys)
    if not wordy or len(counts) < 2:
        return 0.0
    return sum(n for n in counts.values() if n > 1) / len(keys)


def _names(objects: Sequence[JsonObject]) -> tuple[str, ...]:
    """The usual fields, in their usual order. Of an object and its fields, whichever is rarer is no
    field."""
    counts = Counter(name for one in objects for name in one.fields)
    places = Counter[str]()
    for one in objects:
        for place, name in enumerate(one.fields):
            places[name] += place
    usual = {name for name, count in counts.items() if count >= RARE * len(objects)}
    for name in sorted(usual, key=counts.__getitem__):
        outer = name.partition(".")[0]
        inner = {other for other in usual if other.startswith(f"{name}.")}
        if (outer != name and outer in usual) or inner:
            usual.discard(name)
    return tuple(sorted(usual, key=lambda name: places[name] / counts[name]))
