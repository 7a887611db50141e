"""Numbers told in instalments: four digits a turn, a group in each part, a cell in each leaf."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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
NAMES = 40
"""Characters of the words that name what is dictated."""


_DIGIT = re.compile(r"\d")


class _Instalment(Struct, frozen=True, gc=False):
    leaf: int
    text: str
    groups: str


def dictated(leaves: Sequence[Leaf]) -> Iterator[tuple[int, Sighting]]:
    """(number of the leaf in which it begins, figure) of every number that goes on in another leaf.
    The figure's own offsets mean nothing."""
    if len(leaves) < 2 or not _several(leaves):
        return
    series: list[_Instalment] = []
    for i, leaf in enumerate(leaves):
        told = _told(i, leaf)
        if told is None:
            continue
        if len(leaf.text) > SHORT or len(series) >= MOST:
            yield from _read(series, leaves)
            series = []
        if not (series and told.groups and series[-1].groups == told.groups):  # said after somebody
            series.append(told)
    yield from _read(series, leaves)


def _several(leaves: Sequence[Leaf]) -> bool:
    """Whether at least two of them may be instalments."""
    short = (leaf for leaf in leaves if leaf.spoken or len(leaf.text) <= SHORT)
    return sum(leaf.spoken or _DIGIT.search(leaf.text) is not None for leaf in short) > 1


def _told(i: int, leaf: Leaf) -> _Instalment | None:
    """None for a text that adds nothing: neither digits nor, in a conversation, words."""
    if len(leaf.text) > SHORT and not leaf.spoken:
        return _Instalment(i, "", "")
    text = canonical(leaf.text[-SHORT:]).text
    if leaf.spoken and spoken.may_spell(text):
        text = spoken.numerals(text).text
    told = (
        " ".join(g.text for run in groups.runs(groups.bare(text)) for g in run)
        if _digits(text)
        else ""
    )
    if not told and not leaf.spoken:
        return None
    return _Instalment(i, text if leaf.spoken else "", told)


def _digits(text: str) -> bool:
    return any(map(str.isdigit, text))


def _read(series: Sequence[_Instalment], leaves: Sequence[Leaf]) -> Iterator[tuple[int, Sighting]]:
    told = [one for one in series if one.groups]
    if len(told) < 2 or sum(sum(map(str.isdigit, one.groups)) for one in told) < 9:
        return
    named = dict.fromkeys(
        one.text[word.start : word.end] for one in series if one.text for word in words(one.text)
    )
    lines = [" ".join(named)[:NAMES] + ": "]
    starts = []
    for one in told:
        starts.append(sum(map(len, lines)))
        lines.append(one.groups + "\n")
    ends = [*starts[1:], sum(map(len, lines))]
    for figure in figures("".join(lines)):
        first = next(n for n, end in enumerate(ends) if figure.start < end)
        if figure.end > ends[first] and (figure.sure or leaves[told[first].leaf].spoken):
            yield told[first].leaf, figure
