"""Where the values of recorded answers stand in the texts that were asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from shortstop.specialists.copy.forms import FORMS, fitting, loose
from shortstop.specialists.copy.tagger import BEGIN, INSIDE, OUTSIDE
from shortstop.specialists.copy.tokens import Token, tokens

COPYABLE = 0.9
"""Share of a field's values that must stand in their texts; else it is not copied."""
LONG = 12
"""Characters of a value from which on a nearly equal window counts."""
NEAR = 88.0
"""Least similarity of such a window, of 100 (rapidfuzz's ratio)."""

Span = tuple[int, int]
"""Numbers of the first token and of the one behind the last."""


class Aligned(NamedTuple):
    """The places of a value in a text, and the text that stands there."""

    spans: tuple[Span, ...]
    texts: tuple[str, ...]


class AlignedField(NamedTuple):
    """A field over all rows: its places (None where it has none), how spans become values, and
    the share of rows in which it was found."""

    places: list[Aligned | None]
    form: str
    share: float


def align_field(texts: Sequence[str], values: Sequence[str]) -> AlignedField:
    """Find each value in its text, and the form that explains most of them."""
    places: list[Aligned | None] = []
    votes: Counter[str] = Counter()
    for text, value in zip(texts, values, strict=True):
        found = tokens(text)
        place = _exact(text, found, value) or _formed(text, found, value)
        if place is None and len(value) >= LONG:
            place = _near(text, found, value)
        places.append(place)
        if place is not None:
            votes.update({form for span in place.texts for form in fitting(span, value)})
    order = {name: rank for rank, name in enumerate(FORMS)}
    form = min(votes, key=lambda name: (-votes[name], order[name]), default="one-line")
    found_share = sum(place is not None for place in places) / max(len(places), 1)
    return AlignedField(places, form, found_share)


def tags(n: int, place: Aligned) -> list[str]:
    """The label of each of `n` tokens."""
    out = [OUTSIDE] * n
    for start, end in place.spans:
        out[start:end] = [BEGIN] + [INSIDE] * (end - start - 1)
    return out


def _aligned(text: str, found: list[Token], spans: Sequence[Span]) -> Aligned | None:
    kept = tuple(spans)
    if not kept:
        return None
    return Aligned(kept, tuple(text[found[a].start : found[b - 1].end] for a, b in kept))


def _exact(text: str, found: list[Token], value: str) -> Aligned | None:
    """All places where letters, digits and dots of the value stand, whatever is between them."""
    wanted, _ = loose(value)
    flat, where = loose(text)
    spans: list[Span] = []
    at = flat.find(wanted) if wanted.strip(".") else -1
    while at >= 0:
        span = _cover(found, where[at], where[at + len(wanted) - 1] + 1)
        if span is not None:
            spans.append(span)
        at = flat.find(wanted, at + len(wanted))
    return _aligned(text, found, spans)


def _cover(found: list[Token], start: int, end: int) -> Span | None:
    """The tokens that begin and end there; None where it cuts a word in two."""
    inside = [i for i, t in enumerate(found) if t.start < end and t.end > start]
    if not inside or found[inside[0]].start < start:
        return None
    last = found[inside[-1]]
    if last.end > end:
        return None
    return inside[0], inside[-1] + 1


def _formed(text: str, found: list[Token], value: str) -> Aligned | None:
    """Short spans that some form makes the value of: dates in another order, plain numbers."""
    spans: list[Span] = []
    for i, token in enumerate(found):
        if not token.word[0].isdigit():
            continue
        for end in range(i + 1, min(i + 6, len(found)) + 1):
            span = text[token.start : found[end - 1].end]
            if next(fitting(span, value), None):
                spans.append((i, end))
                break
    return _aligned(text, found, spans)


def _near(text: str, found: list[Token], value: str) -> Aligned | None:
    """The window from the start of a line that is most like a long value."""
    from rapidfuzz import fuzz

    wanted, best, kept = loose(value)[0], NEAR, None
    starts = [i for i, t in enumerate(found) if i == 0 or found[i - 1].line < t.line]
    for start in starts:
        seen = ""
        for end in range(start, min(start + 60, len(found))):
            seen += loose(found[end].word)[0]
            if len(seen) < 0.8 * len(wanted):
                continue
            if len(seen) > 1.25 * len(wanted):
                break
            likeness = fuzz.ratio(seen, wanted)
            if likeness > best:
                best, kept = likeness, (start, end + 1)
    return _aligned(text, found, [kept]) if kept else None
