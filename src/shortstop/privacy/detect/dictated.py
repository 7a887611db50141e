"""Numbers told in instalments: four digits a turn, a group in each part, a cell in each leaf."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from shortstop.privacy.detect import groups, spoken
from shortstop.privacy.detect.canonical import canonical
from shortstop.privacy.detect.figures import Sighting, figures
from shortstop.privacy.detect.named import words
from shortstop.privacy.leaves import Leaf

SHORT = 90
"""Characters of a text that may be an instalment; of a longer one its end is read."""
MOST = 60
"""Instalments of one number, and of what stands around it."""
FEWEST = 9
"""Digits of a number that is worth dictating."""
NAMES = 40
"""Characters of the words that name what is dictated."""


_DIGIT = re.compile(r"\d")


class _Instalment(Struct, frozen=True, gc=False):
    """What the `leaf`-th leaf adds: its words, and its groups of digits."""

    leaf: int
    text: str
    groups: str


def dictated(leaves: Sequence[Leaf]) -> Iterator[tuple[int, Sighting]]:
    """(number of the leaf in which it begins, sighting) of every number that goes on in another
    leaf, or is named in the one before. The sighting's own offsets mean nothing."""
    if len(leaves) < 2:
        return
    spoken_ones = [i for i, leaf in enumerate(leaves) if leaf.spoken]
    data = [i for i, leaf in enumerate(leaves) if leaf.key and not leaf.spoken]
    for chosen in (spoken_ones, data):
        if len(chosen) > 1 and _may_tell("\n".join(leaves[i].text[-SHORT:] for i in chosen)):
            for series in _series(leaves, chosen):
                yield from _read(series, told_by_people=chosen is spoken_ones)


def _may_tell(ends: str) -> bool:
    """Whether some of the texts that end so tell digits."""
    return _DIGIT.search(ends) is not None or not ends.isascii() or spoken.may_spell(ends)


def _series(leaves: Sequence[Leaf], chosen: Sequence[int]) -> Iterator[list[_Instalment]]:
    series: list[_Instalment] = []
    for i in chosen:
        leaf = leaves[i]
        if len(leaf.text) > SHORT or len(series) >= MOST:
            yield series
            series = []
            if not leaf.spoken:
                continue
        told = _told(i, leaf)
        if not (leaf.spoken and _repeats(series, told.groups)):
            series.append(told)
    yield series


def _repeats(series: Sequence[_Instalment], told: str) -> bool:
    """Whether it only says after somebody what was told so far."""
    return len(told) > 1 and " ".join(one.groups for one in series).endswith(told)


def _told(i: int, leaf: Leaf) -> _Instalment:
    if not leaf.spoken:
        text = leaf.text if _DIGIT.search(leaf.text) else ""
        return _Instalment(i, leaf.key, _groups(text))
    text = canonical(leaf.text[-SHORT:]).text
    if spoken.may_spell(text):
        text = spoken.numerals(text).text
    return _Instalment(i, text, _groups(text) if _DIGIT.search(text) else "")


def _groups(text: str) -> str:
    return " ".join(g.text for run in groups.runs(groups.bare(text)) for g in run)


def _read(series: Sequence[_Instalment], *, told_by_people: bool) -> Iterator[tuple[int, Sighting]]:
    told = [one for one in series if one.groups]
    if told_by_people:
        yield from _named_before(series)
    if len(told) < 2 or _digits(told) < FEWEST:
        return
    lines = [_names(series) + ": "]
    ends = []
    for one in told:
        lines.append(one.groups + "\n")
        ends.append(sum(map(len, lines)))
    for sighting in figures("".join(lines)):
        first = next(n for n, end in enumerate(ends) if sighting.start < end)
        if sighting.end > ends[first] and (sighting.sure or told_by_people):
            yield told[first].leaf, sighting


def _named_before(series: Sequence[_Instalment]) -> Iterator[tuple[int, Sighting]]:
    """A number that is all that a text tells, where the text before asks for it or announces it."""
    for before, one in pairwise(series):
        if one.groups and not before.groups:
            named = _names([before])
            for sighting in figures(f"{named}: {one.groups}") if named else ():
                if sighting.end - sighting.start == len(one.groups):
                    yield one.leaf, sighting


def _names(series: Sequence[_Instalment]) -> str:
    """The words in it that name a kind of number."""
    found = (one.text[word.start : word.end] for one in series for word in words(one.text))
    return " ".join(dict.fromkeys(found))[:NAMES]


def _digits(told: Sequence[_Instalment]) -> int:
    return sum(sum(map(str.isdigit, one.groups)) for one in told)
