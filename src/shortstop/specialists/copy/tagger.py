"""Where a field's value stands in a text: a conditional random field over its tokens.

Lafferty, McCallum & Pereira 2001, by python-crfsuite (extra `[learn]`, imported when a tagger is
opened). A value may stand several times; what counts is the sum over its occurrences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from shortstop.specialists.copy.forms import loose, written
from shortstop.specialists.copy.tokens import Token

BEGIN, INSIDE, OUTSIDE = "B", "I", "O"
LEAST_BEGIN = 0.02
"""Probability of a beginning below which a place is not looked at."""
MOST_TOKENS = 60
"""Of a value."""


class FieldOpinion(NamedTuple):
    """A field's value, and how sure it is, in [0, 1]; `known`: it was met in training."""

    value: str
    confidence: float
    known: bool


class FieldTagger:
    """One field. `model` is what crfsuite wrote; `form` names how spans become values (`forms`);
    `memory` are the values met in training by their loose spelling; a new value that is at least
    `snap` like one of them, in [0, 1], becomes it (2: never)."""

    def __init__(
        self, model: bytes, form: str, memory: Mapping[str, str], snap: float = 2.0
    ) -> None:
        import pycrfsuite

        self.model = model
        self.form = form
        self.memory = dict(memory)
        self.snap = snap
        self._tagger: Any = pycrfsuite.Tagger()
        self._tagger.open_inmemory(model)

    def opine(self, text: str, found: list[Token], seen: Any) -> FieldOpinion | None:
        """`seen` are the tokens' features, as `sequence` made them; None where no value stands."""
        sums: dict[str, float] = {}
        spans: dict[str, str] = {}
        for start, end, weight in self._spans(found, seen):
            span = text[start:end]
            key = loose(written(self.form, span))[0]
            sums[key] = sums.get(key, 0.0) + weight
            spans.setdefault(key, span)
        if not sums:
            return None
        ranked = sorted(sums, key=sums.__getitem__, reverse=True)
        best, first = ranked[0], sums[ranked[0]]
        second = sums[ranked[1]] if len(ranked) > 1 else 0.0
        return self._value(best, spans[best], min(1.0, first) * first / (first + second))

    def _value(self, key: str, span: str, confidence: float) -> FieldOpinion:
        if key in self.memory:
            return FieldOpinion(written(self.form, span), confidence, True)
        near = self._nearest(key) if self.snap <= 1 else None
        if near is not None:
            return FieldOpinion(self.memory[near], confidence, True)
        return FieldOpinion(written(self.form, span), confidence, False)

    def _nearest(self, key: str) -> str | None:
        from rapidfuzz import fuzz, process

        found = process.extractOne(key, self.memory.keys(), scorer=fuzz.ratio)
        return found[0] if found and found[1] >= 100 * self.snap else None

    def _spans(self, found: list[Token], seen: Any) -> Iterator[tuple[int, int, float]]:
        """(start, end, probability) of the places where the value may stand."""
        self._tagger.set(seen)
        labels = set(self._tagger.labels())
        n = len(found)
        chance = self._tagger.marginal if BEGIN in labels else None
        for i in range(n if chance else 0):
            begins = self._tagger.marginal(BEGIN, i)
            if begins < LEAST_BEGIN:
                continue
            end, least = i + 1, 1.0
            while INSIDE in labels and end < min(n, i + MOST_TOKENS):
                inside = self._tagger.marginal(INSIDE, end)
                if inside < 0.5:
                    break
                least, end = min(least, inside), end + 1
            yield found[i].start, found[end - 1].end, begins * least


def sequence(names: list[list[str]]) -> Any:
    """The features of a text's tokens in crfsuite's form, made once for all fields."""
    import pycrfsuite

    return pycrfsuite.ItemSequence(names)
