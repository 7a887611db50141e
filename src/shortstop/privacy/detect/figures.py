"""Cards, accounts and personal numbers in everyday layouts: grouped by anything, scanned with
letters for digits, spelled out.

Everything is cheap to refuse: a text with few digits is not read at all.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import chain, takewhile

from msgspec import Struct
from msgspec.structs import replace

from shortstop.privacy.detect import groups
from shortstop.privacy.detect.checks import named
from shortstop.privacy.detect.detector import OVERLAP, PIECE
from shortstop.privacy.detect.groups import Group, Run, compact, uniform
from shortstop.privacy.detect.named import Mention, named_in, words
from shortstop.privacy.detect.numbers import card_shape, iban_length, iban_number, loose_card
from shortstop.privacy.detect.outlines import outlines
from shortstop.privacy.detect.rules import characters_of, compile_pattern
from shortstop.privacy.detect.signs import FIGURES
from shortstop.types import Tier

FEWEST_ALONE = 10
"""Digits below which there is no number without a word for it."""
AROUND = 300
"""Characters around an outline or a word that are read: more than a number and its neighbours."""
BEFORE, BEHIND = 120, 80
"""Characters around digits in which a word may name them."""
MARGIN = 20
"""Characters around digits that may be part of the number: letters, and those that were scanned."""
_BLOB = re.compile(r"[A-Za-z0-9+/]{36,}")
_ONLY_DIGITS = bytes(0x30 if code in b"0123456789" else 0x20 for code in range(256))
_STRETCH = compile_pattern(f"{FIGURES},}}")
_TIGHT = frozenset(["-", ".", "/", "_", "·", "•", "~", ":", "...", "…", "--", "‧", "∙"]) | {" "}
"""Gaps that nobody puts between the cells of a table."""
_CONFUSED = str.maketrans("OoQIlSBZ", "00011582")
_SCANNED = re.compile(
    r"(?<![A-Za-z0-9])(?=[0-9]*[OoQIlSBZ])[0-9OoQIlSBZ]{2,19}(?![A-Za-z0-9])"
    r"|(?<=(?<![A-Za-z0-9])[A-Z]{2})(?=[0-9]*[OoQIlSBZ])[0-9OoQIlSBZ]{2}(?![A-Za-z0-9])"
)
_EXPIRY = re.compile(r"(?:0[1-9]|1[0-2])(?:20)?[2-4]\d(?:\d{3,4})?")
"""When a card ends, and perhaps its code: what may stand in the cells behind it."""
_MAY_BE_SCANNED = compile_pattern(
    r"[0-9][OoQIlSBZ]|[OoQIlSBZ][0-9]|\b[OoQIlSBZ]{2,19}(?:[^0-9A-Za-z]|$)"
)
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
    figures = data.translate(_ONLY_DIGITS)
    first, last = figures.find(b"0"), figures.rfind(b"0")
    spans = (
        (m.span() for m in _STRETCH.finditer(data, first, last + 1)) if last > first else iter(())
    )
    return spans if len(data) == len(text) else characters_of(data, spans)


def figures(text: str, *, blobs: bool = True) -> list[Sighting]:
    """Every number that its shape and check digits, or a word beside it, give away. `blobs`: there
    may be base64 in the text, whose digits are no numbers. A long text is read in pieces that
    overlap, so that other work gets its turn."""
    found: dict[tuple[str, int, int], Sighting] = {}
    for start in range(0, len(text), PIECE):
        low = max(0, start - OVERLAP)
        piece = text[low : start + PIECE]
        if blobs:
            piece = _BLOB.sub(lambda m: " " * len(m.group()), piece)
        for f in _in_piece(piece):
            at = (f.label, f.start + low, f.end + low)
            found[at] = replace(f, start=at[1], end=at[2]) if low else f
    return _outermost(found.values())


def _in_piece(text: str) -> Iterable[Sighting]:
    worth = list(_worth_reading(text))
    if not worth:
        return ()
    spellings = list(_spellings(text))
    places = [outlines(spelling) for spelling in spellings]
    found: dict[tuple[str, int, int], Sighting] = {}
    for start, end, in_one, beside in worth:
        if in_one and not any(kind.letters for word in beside for kind in word.kinds):
            sightings = _named(text, [[Group(text[start:end], start, end, "")]], beside)
        else:
            sightings = _read(spellings, places, (max(0, start - MARGIN), end + MARGIN), beside)
        for f in sightings:
            found[f.label, f.start, f.end] = f
    return found.values()


def _worth_reading(text: str) -> Iterator[tuple[int, int, bool, list[Mention]]]:
    """[start, end) of digits that a word beside them names, or that are many enough without one;
    whether they are written as one, and those words."""
    everywhere = words(text)
    for start, end in stretches(text):
        beside = _within(everywhere, start - BEFORE, end + BEHIND)
        digits = _digits(text[start:end])
        in_one = digits == end - start and not text[max(0, start - 2) : start].strip().isupper()
        beside = [word for word in beside if word.fewest <= digits]
        if beside or not (in_one or digits < FEWEST_ALONE):
            yield start, end, in_one, beside


def _within(everywhere: Sequence[Mention], low: int, high: int) -> list[Mention]:
    """The words that begin in [low, high)."""
    i = bisect_left(everywhere, low, key=lambda word: word.start)
    return list(takewhile(lambda word: word.start < high, everywhere[i:]))


def _read(
    spellings: Sequence[str],
    places: Sequence[Sequence[int]],
    part: tuple[int, int],
    beside: Sequence[Mention],
) -> Iterator[Sighting]:
    """What is in a part of each spelling. `places` are their outlines."""
    seen: set[tuple[int, str]] = set()
    for spelling, everywhere in zip(spellings, places, strict=True):
        starts = everywhere[bisect_left(everywhere, part[0]) : bisect_left(everywhere, part[1])]
        for low, high in _parts(spelling, part, starts, beside):
            text = spelling[low:high]
            if (low, text) in seen:
                continue
            seen.add((low, text))
            runs = list(groups.runs(text))
            named = [word.moved(-low) for word in beside]
            for f in chain(
                _proved(runs, frozenset(s - low for s in starts)), _named(text, runs, named)
            ):
                yield replace(f, start=f.start + low, end=f.end + low)


def _parts(
    text: str, part: tuple[int, int], starts: Iterable[int], beside: Iterable[Mention]
) -> Iterator[tuple[int, int]]:
    """[low, high) around outlines and words, no group cut in two."""
    first, last = part
    low = high = -1
    for start, end in sorted([*((s, s) for s in starts), *((w.start, w.end) for w in beside)]):
        if low < 0 or start - AROUND > high:
            if low >= 0:
                yield low, high
            low = _edge(text, max(first, start - AROUND), -1)
        high = _edge(text, min(last, end + AROUND), 1)
    if low >= 0:
        yield low, high


def _edge(text: str, position: int, step: int) -> int:
    """The next place outside of letters and digits."""
    while 0 < position < len(text) and text[position - 1].isalnum() and text[position].isalnum():
        position += step
    return position


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
    if _MAY_BE_SCANNED.search(bare.encode("utf-8", "replace")):
        scanned = _SCANNED.sub(lambda m: m.group().translate(_CONFUSED), bare)
        if scanned != bare:
            yield scanned


def _proved(runs: Iterable[Run], starts: Set[int]) -> Iterator[Sighting]:
    for run in runs if starts else ():
        firsts = [i for i, group in enumerate(run) if group.start in starts]
        if len(run) > 1 and firsts:
            yield from _cards(run, firsts)
            yield from _long(run, firsts)


def _cards(run: Run, firsts: Iterable[int]) -> Iterator[Sighting]:
    """Cards in the groups that are printed on cards. In cells and lists nothing else may stand in
    the run: of a table of figures one row in forty would pass."""
    windows = [(i, j) for i, j in _card_windows(run, firsts) if loose_card(compact(run[i:j]))]
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


def _card_windows(run: Run, firsts: Iterable[int]) -> Iterator[tuple[int, int]]:
    for i in firsts:
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


def _long(run: Run, firsts: Iterable[int]) -> Iterator[Sighting]:
    """IBANs, and other numbers that are long and hard to hit by chance."""
    for i in firsts:
        first = run[i]
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
        if _IBAN.match(value) and len(value) == iban_length(value[:2]) and iban_number(value):
            yield "iban-grouped", "IBAN", j + 1
        if len(value) == 15 and _is_nir(run[i : j + 1], value):
            yield "nir-grouped", "NATIONAL_ID", j + 1
        if (
            len(value) == 16
            and j > i
            and _FISCALE.fullmatch(value)
            and named("it.codicefiscale")(value)
        ):
            yield "codice-fiscale-grouped", "NATIONAL_ID", j + 1


def _is_nir(groups: Run, value: str) -> bool:
    """Whether groups are a French number, and no row of five numbers below a thousand."""
    sizes = {len(g.text) for g in groups}
    several = len(groups) > 1 and sizes != {3}
    return several and _NIR.fullmatch(value) is not None and named("fr.nir")(value)
