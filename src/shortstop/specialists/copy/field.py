"""A field whose values stand in the text: taggers say where, forms how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, prod
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from shortstop.specialists.composed.field import FieldOpinion, value_of
from shortstop.specialists.copy.forms import loose, written
from shortstop.specialists.copy.known_values import KnownValues
from shortstop.specialists.copy.page import Page
from shortstop.specialists.copy.tagger import LikelySpan, SpanTagger
from shortstop.specialists.novelty import Slot

TAKEN = 0.5
"""Weight from which on a place is one of a list's."""


class CopyRules(Struct, frozen=True):
    """How places become a value: the `form` of `forms`, a JSON number or a string, one or a list of
    `many`. `absent` is the spelling of what stands for no value, None where there always is one."""

    name: str
    form: str
    numeric: bool = False
    many: bool = False
    absent: str | None = None
    memory: KnownValues = KnownValues()


class Guess(NamedTuple):
    """A value by its loose spelling, as it stands, with its share of the taggers' weight."""

    key: str
    text: str
    share: float
    slots: tuple[Slot, ...]


class CopyField:
    """Several taggers are averaged. A value may stand several times: what counts is the sum over
    its places, of the sum over all (or of 1, if that is less: the rest says that there is none)."""

    def __init__(self, taggers: Sequence[SpanTagger], rules: CopyRules) -> None:
        self.taggers = list(taggers)
        self.rules = rules

    def mending(self, slope: float, trust: float = 1.0) -> CopyField:
        """The same with another price of unlikeness, and trust in what it mends (`KnownValues`)."""
        memory = msgspec.structs.replace(self.rules.memory, slope=slope, trust=trust)
        return CopyField(self.taggers, msgspec.structs.replace(self.rules, memory=memory))

    def read(self, page: Page) -> FieldOpinion | None:
        return self.decide(self.candidates(page))

    def candidates(self, page: Page) -> list[Guess]:
        """For a single value likeliest first, for a list the places taken and left, in order of
        the text."""
        places = [tagger.places(len(page.tokens), page.seen) for tagger in self.taggers]
        if self.rules.many:
            return [self._candidate(page, [place], place.weight) for place in _apart(places[0])]
        by_key: dict[str, tuple[float, list[LikelySpan]]] = {}
        for found in places:
            whole = max(1.0, sum(place.weight for place in found)) * len(places)
            for place in found:
                key = loose(written(self.rules.form, page.piece(place.start, place.end)))[0]
                share, same = by_key.get(key, (0.0, []))
                by_key[key] = min(1.0, share + place.weight / whole), [*same, place]
        out = [self._candidate(page, same, share) for key, (share, same) in by_key.items() if key]
        return sorted(out, key=lambda one: -one.share)

    def decide(self, found: Sequence[Guess]) -> FieldOpinion | None:
        """None where there is no value and should be one."""
        if self.rules.many:
            return self._list(found)
        absent = self.rules.absent
        left = max(0.0, 1.0 - sum(one.share for one in found))
        if absent is not None and (not found or found[0].share < left):
            return FieldOpinion(value_of(absent), left)
        return self._value(found[0]) if found else None

    def _value(self, best: Guess) -> FieldOpinion:
        key = self.rules.memory.mended(best.key)
        met = self.rules.memory.values.get(key)
        text = met.value if met is not None else written(self.rules.form, best.text)
        share = best.share * (self.rules.memory.trust if key != best.key else 1.0)
        return FieldOpinion(self._json(text), share, met is not None, best.slots)

    def _list(self, found: Sequence[Guess]) -> FieldOpinion:
        taken = [one for one in found if one.share >= TAKEN]
        confidence = prod(max(one.share, 1 - one.share) for one in found)
        values = [self._json(written(self.rules.form, one.text)) for one in taken]
        slots = [slot for one in taken for slot in one.slots]
        if not values and self.rules.absent is not None:
            return FieldOpinion(value_of(self.rules.absent), confidence)
        return FieldOpinion(values, confidence, True, slots)

    def _json(self, text: str) -> Any:
        return number(text) if self.rules.numeric else text

    def _candidate(self, page: Page, places: Sequence[LikelySpan], share: float) -> Guess:
        best = max(places, key=lambda one: one.weight)
        text = page.piece(best.start, best.end)
        slots = tuple(
            Slot(page.tokens[p.start].start, page.tokens[p.end - 1].end, self.rules.name)
            for p in places
        )
        return Guess(loose(written(self.rules.form, text))[0], text, share, slots)


def number(text: str) -> Any:
    """As JSON writes it; the text where it is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        figure = float(text)
    except ValueError:
        return text
    return figure if isfinite(figure) else text


def _apart(places: Sequence[LikelySpan]) -> list[LikelySpan]:
    """Those that overlap none of more weight, in order of the text."""
    kept: list[LikelySpan] = []
    for place in sorted(places, key=lambda one: -one.weight):
        if all(place.end <= other.start or place.start >= other.end for other in kept):
            kept.append(place)
    return sorted(kept)
