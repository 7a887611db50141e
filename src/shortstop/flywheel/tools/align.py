"""How each argument is read, and where its values stand in the requests."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec

from shortstop.flywheel.tools.phrases import phrases
from shortstop.specialists.copy.forms import loose
from shortstop.specialists.copy.tokens import Token, tokens
from shortstop.specialists.novelty import Slot
from shortstop.specialists.tools.arguments import Argument, phrase_key
from shortstop.specialists.tools.readings import READINGS

SAMPLE = 60
"""Values of an argument by which its readings are chosen."""
MORE = 0.02
"""Share of the values that a further reading must explain."""
WIDEST = 6
"""Tokens of a number, a day or a time."""
CLOSED = 24
"""Distinct values up to which an argument that is not copied may be one of few."""
RECURRING = 0.5
"""Share of values met more than once, from which on a new one is remarkable."""
FREE = 0.6
"""Share of an argument's values that must stand in the requests."""


class Called(NamedTuple):
    """A request with the values of its call by label (a list of one for each place), and the day on
    which it was said."""

    text: str
    today: date | None
    values: Mapping[str, tuple[Any, ...]]


class TokenSpan(NamedTuple):
    """Tokens [start, end)."""

    start: int
    end: int


def readings(rows: Sequence[Called], label: str) -> tuple[str, ...]:
    """Names of the readings that explain most values, the best first; () where few are."""
    told = [(row, value) for row in rows for value in row.values.get(label, ())][:SAMPLE]
    fits: dict[str, set[int]] = {name: set() for name in READINGS}
    for number, (row, value) in enumerate(told):
        found = tokens(row.text)
        for name in READINGS:
            if next(_places(row, found, name, value), None):
                fits[name].add(number)
    chosen: list[str] = []
    explained: set[int] = set()
    while fits:
        best = max(fits, key=lambda name: len(fits[name] - explained))
        gain = fits.pop(best) - explained
        if len(gain) <= MORE * len(told):
            break
        chosen.append(best)
        explained |= gain
    return tuple(chosen) if len(explained) >= FREE * max(len(told), 1) else ()


def argument(
    rows: Sequence[Called], label: str, kin: Collection[str], closed: bool, many: bool
) -> Argument | None:
    """How the values of `label` are read; None where they are many and not in the requests.
    `closed`: the schema lists them; `kin` are the labels with the same list, itself among them.
    `rows` are those of tools that have one of these."""
    values = [value for row in rows for value in row.values.get(label, ())]
    spellings = {msgspec.json.encode(value) for value in values}
    read = () if closed else readings(rows, label)
    if read:
        counts = Counter(loose(str(value))[0] for value in values)
        words = sum(any(c.isalpha() for c in key) for key in counts) > 0.9 * len(counts)
        again = sum(n for n in counts.values() if n > 1) / len(values)
        known = frozenset(counts) if words and again >= RECURRING else frozenset()
        return Argument(label, "copied", read, many=many, known=known)
    if len(spellings) == 1 and len(values) == len(rows):
        return Argument(label, "constant", value=values[0])
    if not closed and len(spellings) > CLOSED:
        return None
    told = [frozenset(_json(v) for one in kin for v in row.values.get(one, ())) for row in rows]
    found = {phrase_key(v): v for v in values if isinstance(v, str)}
    learned = phrases([row.text for row in rows], told)
    found |= {words: msgspec.json.decode(value) for words, value in learned.items()}
    return Argument(label, "phrase", phrases=found, many=many)


def slots(rows: Sequence[Called], arguments: Mapping[str, Argument]) -> list[list[Slot] | None]:
    """The places of each row's values; None where one of them has none. Where a value stands more
    than once, the place counts that the word before it speaks for."""
    found = [tokens(row.text) for row in rows]
    options = [_options(row, f, arguments) for row, f in zip(rows, found, strict=True)]
    cues: Counter[tuple[str, str]] = Counter()
    for f, option in zip(found, options, strict=True):
        for label, places in option or ():
            if len(places) == 1:
                cues[label, _before(f, places[0])] += 1
    return [
        _settled(f, option, cues) if option is not None else None
        for f, option in zip(found, options, strict=True)
    ]


def _options(
    row: Called, found: list[Token], arguments: Mapping[str, Argument]
) -> list[tuple[str, list[TokenSpan]]] | None:
    out = []
    for label, values in row.values.items():
        argument = arguments[label]
        if argument.how == "constant":
            continue
        for value in values:
            names = argument.readings or ("phrase",)
            places = [p for n in names for p in _places(row, found, n, value, argument)]
            if not places:
                return None
            out.append((label, places))
    return sorted(out, key=lambda option: len(option[1]))


def _settled(
    found: list[Token], options: list[tuple[str, list[TokenSpan]]], cues: Counter[tuple[str, str]]
) -> list[Slot] | None:
    taken: list[tuple[str, TokenSpan]] = []
    for label, places in options:
        free = [p for p in places if all(p.end <= t.start or p.start >= t.end for _, t in taken)]
        if not free:
            return None
        best = max(free, key=lambda p: (cues[label, _before(found, p)], -p.start))
        taken.append((label, best))
    return [Slot(found[p.start].start, found[p.end - 1].end, label) for label, p in taken]


def _before(found: list[Token], place: TokenSpan) -> str:
    return found[place.start - 1].word.lower() if place.start else "^"


def _places(
    row: Called, found: list[Token], name: str, value: Any, argument: Argument | None = None
) -> Iterator[TokenSpan]:
    """Where a value stands, without overlaps; wide ones first but for numbers."""
    if name == "phrase":
        assert argument is not None
        spans = _phrase_spans(row, found, value, argument)
    elif name.startswith("text"):
        spans = _text_spans(row, found, name, value)
    else:
        spans = _short_spans(row, found, name, value)
    kept: list[TokenSpan] = []
    for place in sorted(
        spans, key=lambda p: (p.end - p.start) * (1 if name in ("number", "digits") else -1)
    ):
        if all(place.end <= k.start or place.start >= k.end for k in kept):
            kept.append(place)
    yield from sorted(kept)


def _text_spans(row: Called, found: list[Token], name: str, value: Any) -> list[TokenSpan]:
    if not isinstance(value, str):
        return []
    wanted, _ = loose(value)
    flat, where = loose(row.text)
    starts = {token.start: i for i, token in enumerate(found)}
    ends = {token.end: i + 1 for i, token in enumerate(found)}
    out, at = [], flat.find(wanted) if wanted else -1
    while at >= 0:
        first = starts.get(where[at])
        last = ends.get(where[at + len(wanted) - 1] + 1)
        if first is not None and last is not None:
            out += [
                p for p in _grown(row.text, found, first, last) if _is(row, found, p, name, value)
            ][:1]
        at = flat.find(wanted, at + 1)
    return out


def _grown(text: str, found: list[Token], first: int, last: int) -> Iterable[TokenSpan]:
    """The place, and with the marks beside it, which `loose` does not see."""
    yield TokenSpan(first, last)
    if last < len(found) and not found[last].word.isalnum():
        yield TokenSpan(first, last + 1)
    if first and not found[first - 1].word.isalnum():
        yield TokenSpan(first - 1, last)


def _short_spans(row: Called, found: list[Token], name: str, value: Any) -> list[TokenSpan]:
    n = len(found)
    every = (TokenSpan(i, j) for i in range(n) for j in range(i + 1, min(i + WIDEST, n) + 1))
    return [place for place in every if _is(row, found, place, name, value)]


def _phrase_spans(
    row: Called, found: list[Token], value: Any, argument: Argument
) -> list[TokenSpan]:
    n = len(found)
    every = (TokenSpan(i, j) for i in range(n) for j in range(i + 1, min(i + WIDEST, n) + 1))
    return [
        place
        for place in every
        if _same(
            argument.read(row.text[found[place.start].start : found[place.end - 1].end], None),
            value,
        )
    ]


def _is(row: Called, found: list[Token], place: TokenSpan, name: str, value: Any) -> bool:
    span = row.text[found[place.start].start : found[place.end - 1].end]
    return _same(READINGS[name](span, row.today), value)


def _same(read: Any, value: Any) -> bool:
    """1 is no true here."""
    return bool(read == value) and isinstance(read, bool) == isinstance(value, bool)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def by_label(
    calls: Iterable[tuple[str, Mapping[str, Any]]], labels: Mapping[str, Mapping[str, str]]
) -> list[dict[str, tuple[Any, ...]]]:
    """The values of calls by their arguments' labels; a list has one for each of its items."""
    out = []
    for tool, arguments in calls:
        row: dict[str, tuple[Any, ...]] = defaultdict(tuple)
        for name, value in arguments.items():
            row[labels[tool][name]] = tuple(value) if isinstance(value, list) else (value,)
        out.append(dict(row))
    return out
