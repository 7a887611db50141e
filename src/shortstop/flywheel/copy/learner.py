"""Learning to copy a field: its values are found in the texts, and taggers trained."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from shortstop.flywheel.copy.align import Span, align_field
from shortstop.specialists.composed.field import MISSING, spelling
from shortstop.specialists.copy.field import CopyField, CopyRules
from shortstop.specialists.copy.known_values import KnownValues
from shortstop.specialists.copy.page import Page
from shortstop.specialists.copy.tagger import SpanTagger, tags

COPYABLE = 0.8
"""Share of a field's values that must stand in their texts; else it is not copied."""
LEAST_PRESENT = 20
"""Rows with a value from which on it is tried."""
OPTIONAL = 0.02
"""Share of rows without a value from which on none may be read: one slip in 500 would have every
text whose value is doubtful read as empty (measured on receipts: 6 points of the totals)."""
REPEATED = 0.3
"""Share of rows with a value in several places from which on a second tagger learns which it is."""
WORDY = 0.9
"""Share of values with letters from which on they are remembered; figures repeat by chance."""
TRAINING = {
    "c1": 0.0,
    "c2": 0.05,
    "max_iterations": 50,
    "feature.minfreq": 2,
    "feature.possible_transitions": True,
}


class NotCopied(Exception):
    """Why a field is not copied, in words that follow its name."""


class CopyLearner:
    """One field over all rows; `fit` learns from some of them."""

    def __init__(self, name: str, pages: Sequence[Page], values: Sequence[Any]) -> None:
        """`values` are JSON or MISSING. Raises NotCopied."""
        self._pages = pages
        many = _many(values)
        self._wanted = [_texts(value, many) for value in values]
        if any(one is None for one in self._wanted):
            raise NotCopied("is not always a text, a number or a list of them")
        wanted = [one or [] for one in self._wanted]
        if sum(bool(one) for one in wanted) < LEAST_PRESENT:
            raise NotCopied("has hardly ever a value")
        numeric = all(_numeric(value) for value in values if _texts(value, many))
        aligned = align_field(pages, wanted, numeric=numeric)
        if aligned.share < COPYABLE:
            raise NotCopied(f"stands in {aligned.share:.0%} of the texts")
        self._spans, self._values = aligned.spans, wanted
        repeated = sum(
            found is not None and len(found) > len(one)
            for found, one in zip(aligned.spans, wanted, strict=True)
        )
        self._picks = not many and repeated > REPEATED * len(wanted)
        absent = Counter(
            spelling(value) for value, one in zip(values, wanted, strict=True) if not one
        )
        often = absent.total() >= OPTIONAL * len(wanted)
        spelled = max(absent, key=absent.__getitem__) if often else None
        self._rules = CopyRules(name, aligned.form, numeric, many, spelled)
        every = [text for one in wanted for text in one]
        self._wordy = sum(any(c.isalpha() for c in text) for text in every) > WORDY * len(every)

    def fit(self, rows: Sequence[int]) -> CopyField:
        """A tagger that learns all places of a value and, where values repeat in a text, a second
        one that learns the likeliest."""
        taught = {i: spans for i in rows if (spans := self._spans[i]) is not None}
        taggers = [self._tagger(taught)]
        if self._picks:
            taggers.append(self._tagger(self._picked(taught)))
        memory = (
            KnownValues.of(text for i in rows for text in self._values[i])
            if self._wordy
            else KnownValues()
        )
        return CopyField(taggers, msgspec.structs.replace(self._rules, memory=memory))

    def _picked(self, taught: dict[int, list[Span]]) -> dict[int, list[Span]]:
        """One place for each row: the one like those of the rows in which it stands alone (one step
        of hard expectation maximisation)."""
        alone = {i: spans for i, spans in taught.items() if len(spans) < 2}
        if sum(bool(spans) for spans in alone.values()) < LEAST_PRESENT:
            return taught
        first = self._tagger(alone)
        out = dict(alone)
        for i, spans in taught.items():
            if i not in alone:
                page, weights = self._pages[i], dict[int, float]()
                for place in first.places(len(page.tokens), page.seen):
                    weights[place.start] = weights.get(place.start, 0.0) + place.weight
                out[i] = [max(spans, key=lambda span: weights.get(span[0], 0.0))]
        return out

    def _tagger(self, taught: dict[int, list[Span]]) -> SpanTagger:
        return SpanTagger(trained([(self._pages[i], spans) for i, spans in taught.items()]))


def trained(taught: Sequence[tuple[Page, list[Span]]]) -> bytes:
    """The model of pages with the spans that they hold, as crfsuite writes it."""
    import pycrfsuite

    trainer: Any = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(TRAINING)
    for page, spans in taught:
        trainer.append(page.seen, tags(len(page.tokens), spans))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model"
        trainer.train(str(file))
        return file.read_bytes()


def _many(values: Sequence[Any]) -> bool:
    """Whether the field is a list."""
    return any(isinstance(value, list) for value in values)


def _texts(value: Any, many: bool) -> list[str] | None:
    """The texts that a value consists of; [] for none, None for what is no text, number or list."""
    if value is MISSING or value is None or value in ("", []):
        return []
    items = value if many and isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in items):
        return None
    return [str(one) for one in items]


def _numeric(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return not any(isinstance(one, str) for one in items)
