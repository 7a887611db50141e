"""Where the values of recorded answers stand in the texts that were asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from shortstop.specialists.copy.forms import FORMS, fitting, loose, month_of
from shortstop.specialists.copy.page import Page

LONG = 12
"""Characters of a value from which on a nearly equal window counts."""
NEAR = 88.0
"""Least similarity of such a window, of 100 (rapidfuzz's ratio)."""
MOST_DIGIT_TOKENS = 6
"""Of a date or figure that is written otherwise."""

Span = tuple[int, int]
"""Numbers of the first token and of the one behind the last."""


class AlignedField(NamedTuple):
    """A field over all rows: the spans of its values (None where one of them has none), how spans
    become values, and the share of rows with a value in which all were found."""

    spans: list[list[Span] | None]
    form: str
    share: float


def align_field(
    pages: Sequence[Page], wanted: Sequence[Sequence[str]], *, numeric: bool = False
) -> AlignedField:
    """Find each of a row's values in its text, all its places, and the form that explains most.
    `numeric`: values are JSON numbers, equal however they are written."""
    spans: list[list[Span] | None] = []
    votes: Counter[str] = Counter()
    for page, values in zip(pages, wanted, strict=True):
        found = [_places(page, value, numeric) for value in values]
        for value, places in zip(values, found, strict=True):
            texts = {page.piece(*span) for span in places}
            votes.update({form for text in texts for form in fitting(text, value, numeric)})
        spans.append([span for places in found for span in places] if all(found) else None)
    order = {name: rank for rank, name in enumerate(FORMS)}
    form = min(votes, key=lambda name: (-votes[name], order[name]), default="one-line")
    present = [found for found, values in zip(spans, wanted, strict=True) if values]
    share = sum(found is not None for found in present) / max(len(present), 1)
    return AlignedField(spans, form, share)


def _places(page: Page, value: str, numeric: bool) -> list[Span]:
    places = [] if numeric else _exact(page, value)
    if not places:
        places = _formed(page, value, numeric)
    if not places and not numeric and len(value) >= LONG:
        places = _near(page, value)
    return places


def _exact(page: Page, value: str) -> list[Span]:
    """All places where letters, digits and dots of the value stand, whatever is between them."""
    wanted, _ = loose(value)
    flat, where = page.flat
    spans: list[Span] = []
    at = flat.find(wanted) if wanted.strip(".") else -1
    while at >= 0:
        span = _cover(page, where[at], where[at + len(wanted) - 1] + 1)
        if span is not None:
            spans.append(_widened(page, span, value))
        at = flat.find(wanted, at + len(wanted))
    return spans


def _cover(page: Page, start: int, end: int) -> Span | None:
    """The tokens that begin and end there; None where it cuts a word in two."""
    inside = [i for i, t in enumerate(page.tokens) if t.start < end and t.end > start]
    if not inside or page.tokens[inside[0]].start < start or page.tokens[inside[-1]].end > end:
        return None
    return inside[0], inside[-1] + 1


def _widened(page: Page, span: Span, value: str) -> Span:
    """With the marks that the value begins and ends with, as the plus of a phone number."""
    start, end = span
    first = next(i for i, c in enumerate(value) if c.isalnum() or c == ".")
    behind = next(i for i, c in enumerate(reversed(value)) if c.isalnum() or c == ".")
    for mark in reversed(value[:first]):
        if start and page.tokens[start - 1].word == mark:
            start -= 1
    for mark in value[len(value) - behind :]:
        if end < len(page.tokens) and page.tokens[end].word == mark:
            end += 1
    return start, end


def _formed(page: Page, value: str, numeric: bool) -> list[Span]:
    """Short spans that some form makes the value of: dates in another order, plain numbers."""
    spans: list[Span] = []
    for i, token in enumerate(page.tokens):
        if not token.word[0].isdigit() and (numeric or not month_of(token.word)):
            continue
        for end in range(i + 1, min(i + MOST_DIGIT_TOKENS, len(page.tokens)) + 1):
            if next(fitting(page.piece(i, end), value, numeric), None):
                spans.append((i, end))
                break
    return spans


def _near(page: Page, value: str) -> list[Span]:
    """The window from the start of a line that is most like a long value."""
    from rapidfuzz import fuzz

    wanted, best = loose(value)[0], NEAR
    kept: list[Span] = []
    found = page.tokens
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
                best, kept = likeness, [(start, end + 1)]
    return kept
