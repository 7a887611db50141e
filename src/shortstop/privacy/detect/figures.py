"""Cards, accounts and personal numbers in everyday layouts: grouped by anything, scanned with
letters for digits, spelled out.

Everything is cheap to refuse: a text with few digits is not read at all.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cache
from itertools import takewhile

from msgspec import Struct
from msgspec.structs import replace
from stdnum import numdb

from shortstop.privacy.detect import groups
from shortstop.privacy.detect.checks import named
from shortstop.privacy.detect.groups import Group, Run, compact, uniform
from shortstop.privacy.detect.named import Mention, named_in, words
from shortstop.privacy.detect.numbers import card_shape, iban_number, loose_card
from shortstop.privacy.detect.rules import characters_of, compile_pattern
from shortstop.privacy.detect.signs import FIGURES
from shortstop.types import Tier

FEWEST_ALONE = 10
"""Digits below which there is no number without a word for it."""
FEW = 3
BEFORE, BEHIND = 120, 80
"""Characters around digits in which a word may name them."""
MARGIN = 20
"""Characters around digits that may be part of the number: letters, and those that were scanned."""
_BLOB = re.compile(r"[A-Za-z0-9+/]{36,}")
_STRETCH = compile_pattern(f"{FIGURES},}}")
_TIGHT = frozenset(["-", ".", "/", "_", "·", "•", "~", ":", "...", "…", "--", "‧", "∙"]) | {" "}
"""Gaps that nobody puts between the cells of a table."""
_CONFUSED = str.maketrans("OoQIlSBZ", "00011582")
_SCANNED = re.compile(
    r"(?<![A-Za-z0-9])[0-9OoQIlSBZ]{2,19}(?![A-Za-z0-9])"
    r"|(?<=(?<![A-Za-z0-9])[A-Z]{2})[0-9OoQIlSBZ]{2}(?![A-Za-z0-9])"
)
_EXPIRY = re.compile(r"(?:0[1-9]|1[0-2])(?:20)?[2-4]\d(?:\d{3,4})?")
"""When a card ends, and perhaps its code: what may stand in the cells behind it."""
_IBAN = re.compile(r"[A-Z]{2}\d{2}")
_NIR = re.compile(r"[12]\d{4}(?:\d\d|2[AB])\d{8}")
_FISCALE = re.compile(r"[A-Z]{6}[0-9A-Z]{2}[A-Z][0-9A-Z]{2}[A-Z][0-9A-Z]{3}[A-Z]")


class Sighting(Struct, frozen=True, gc=False):
    """A number at [start, end) of the text, and what found it."""

    label: str
    tier: Tier
    rule: str
    start: int
    end: int
    sure: bool = True
    """Whether check digits prove it, not only a word beside it."""


def _digits(text: str) -> int:
    data = text.encode("ascii", "replace")
    return len(data) - len(data.translate(None, b"0123456789"))


def stretches(text: str) -> Iterator[tuple[int, int]]:
    """[start, end) of digits that are close to each other."""
    data = text.encode("utf-8", "replace")
    spans = (m.span() for m in _STRETCH.finditer(data))
    return spans if len(data) == len(text) else characters_of(data, spans)


def figures(text: str, *, blobs: bool = True) -> list[Sighting]:
    """Every number that its shape and check digits, or a word beside it, give away. `blobs`: there
    may be base64 in the text, whose digits are no numbers."""
    if blobs:
        text = _BLOB.sub(lambda m: " " * len(m.group()), text)
    found: dict[tuple[str, int, int], Sighting] = {}
    for start, end, beside in _named_stretches(text):
        digits = _digits(text[start:end])
        in_one = digits == end - start and not text[max(0, start - 2) : start].strip().isupper()
        beside = [word for word in beside if word.fewest <= digits]
        if not beside and (in_one or digits < FEWEST_ALONE):
            continue
        if in_one and not any(kind.letters for word in beside for kind in word.kinds):
            sightings = _named(text, [[Group(text[start:end], start, end, "")]], beside)
            low = 0
        else:
            low = max(0, start - MARGIN)
            sightings = _read(text[low : end + MARGIN], [word.moved(-low) for word in beside])
        for f in sightings:
            at = (f.label, f.start + low, f.end + low)
            found[at] = replace(f, start=at[1], end=at[2])
    return _outermost(found.values())


def _named_stretches(text: str) -> Iterator[tuple[int, int, list[Mention]]]:
    """[start, end) of digits that are close to each other, and the words near them. Where there are
    many, words are looked for in the whole text once."""
    spans = list(stretches(text))
    everywhere = words(text) if len(spans) > FEW else None
    for start, end in spans:
        low, high = max(0, start - BEFORE), end + BEHIND
        if everywhere is None:
            yield start, end, [word.moved(low) for word in words(text[low:high])]
        else:
            i = bisect_left(everywhere, low, key=lambda word: word.start)
            yield start, end, list(takewhile(lambda word: word.start < high, everywhere[i:]))  # noqa: B023


def _read(text: str, beside: Sequence[Mention]) -> Iterator[Sighting]:
    for spelling in _spellings(text):
        runs = list(groups.runs(spelling))
        yield from _proved(runs)
        yield from _named(spelling, runs, beside)


def _named(text: str, runs: Sequence[Run], beside: Sequence[Mention]) -> Iterator[Sighting]:
    for kind, start, end in named_in(text, runs, beside):
        yield Sighting(kind.label, kind.tier, kind.id, start, end, kind.sure)


def _outermost(figures: Iterable[Sighting]) -> list[Sighting]:
    """Without those that lie within another of their label."""
    kept: list[Sighting] = []
    for figure in sorted(figures, key=lambda f: (f.start, -f.end)):
        if not any(k.label == figure.label and figure.end <= k.end for k in kept):
            kept.append(figure)
    return kept


def _spellings(text: str) -> Iterator[str]:
    """The text with form blanked, as it is, and with scanned letters for digits. All as long."""
    bare = groups.bare(text)
    yield bare
    if groups.numbered(text, bare):
        yield text
    scanned = _SCANNED.sub(lambda m: m.group().translate(_CONFUSED), bare)
    if scanned != bare:
        yield scanned


def _proved(runs: Iterable[Run]) -> Iterator[Sighting]:
    for run in runs:
        if len(run) > 1:
            yield from _cards(run)
            yield from _long(run)


def _cards(run: Run) -> Iterator[Sighting]:
    """Cards in the groups that are printed on cards. In cells and lists nothing else may stand in
    the run: of a table of figures one row in forty would pass."""
    windows = [(i, j) for i, j in _card_windows(run) if loose_card(compact(run[i:j]))]
    taken = {k for i, j in windows for k in range(i, j)}
    numbers = sum(not g.text.isalpha() for g in run)
    for i, j in windows:
        tight = run[i + 1].gap in _TIGHT
        if not tight and _EXPIRY.fullmatch(
            "".join(g.text for g in run[j : j + 3] if g.text.isdigit())
        ):
            tight = False
            numbers = len(taken) if j + 3 >= len(run) else numbers
        alone = _alone(run, i, j, taken) if tight else len(taken) == numbers
        if alone and (len(run[i].text) > 3 or uniform(run[i:j])):
            yield Sighting("CARD", Tier.S2, "card-grouped", run[i].start, run[j - 1].end)


def _alone(run: Run, i: int, j: int, taken: Set[int]) -> bool:
    """Whether neither neighbour of run[i:j] could as well belong to the same row of groups."""
    sizes, gap = {len(g.text) for g in run[i:j]}, run[i + 1].gap
    gaps = {i - 1: run[i].gap, j: run[j].gap if j < len(run) else ""}
    return not any(
        len(run[k].text) in sizes or gaps[k] == gap
        for k in (i - 1, j)
        if 0 <= k < len(run) and k not in taken
    )


def _card_windows(run: Run) -> Iterator[tuple[int, int]]:
    for i in range(len(run) - 2):
        lengths: list[int] = []
        total = 0
        for j in range(i, len(run)):
            text = run[j].text
            total += len(text)
            if not text.isdigit() or total > 19:
                break
            lengths.append(len(text))
            if total >= 13 and card_shape(lengths):
                yield i, j + 1


def _long(run: Run) -> Iterator[Sighting]:
    """IBANs, and other numbers that are long and hard to hit by chance."""
    for i, first in enumerate(run):
        head = compact(run[i : i + 4]).upper()
        if not head[:2].isalpha() and head[:1] not in "12":
            continue
        for rule, label, j in _endings(run, i):
            yield Sighting(label, Tier.S2, rule, first.start, run[j - 1].end)


def _endings(run: Run, i: int) -> Iterator[tuple[str, str, int]]:
    value = ""
    for j in range(i, min(len(run), i + 36)):
        value += run[j].text.upper()
        if len(value) > 34:
            return
        if _IBAN.match(value) and len(value) == _iban_length(value[:2]) and iban_number(value):
            yield "iban-grouped", "IBAN", j + 1
        if len(value) == 15 and j > i and _NIR.fullmatch(value) and named("fr.nir")(value):
            yield "nir-grouped", "NATIONAL_ID", j + 1
        if (
            len(value) == 16
            and j > i
            and _FISCALE.fullmatch(value)
            and named("it.codicefiscale")(value)
        ):
            yield "codice-fiscale-grouped", "NATIONAL_ID", j + 1


@cache
def _iban_length(country: str) -> int:
    """0 for a country without IBANs."""
    for _, properties in numdb.get("iban").info(country):
        if "bban" in properties:
            return 4 + sum(map(int, re.findall(r"\d+", properties["bban"])))
    return 0
