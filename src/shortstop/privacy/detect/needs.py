r"""What a text must hold for a pattern to match in it: so many digits, so many characters in a row
without a gap, one of a few signs.

To look for these costs a few microseconds for a kilobyte, and most texts lack what most patterns
need. What a pattern needs is read off it: Python parses those of RE2, but for the names of kinds of
characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, reduce
from importlib import import_module
from typing import Any

from msgspec import Struct

from shortstop.privacy.detect.letters import with_kinds

RUN = 16
"""Characters in a row without a gap that are worth knowing of: a word is rarely as long."""
_GAPS = frozenset(b" \t\n\r\x0c")
_DIGITS = frozenset(b"0123456789")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .,\n\x1f") | _DIGITS
_SIGNS = frozenset(range(0x80)) - _PLAIN
"""Characters that not every text has, nor every request, in which texts are put together."""
_BEYOND = 0x80
"""Stands for all characters beyond ASCII."""
_ALL = frozenset(range(_BEYOND + 1))
_LONGEST = 4_000
"""Characters of a pattern that is read."""
_MOST = 64
"""Repetitions that are counted."""
_FIGURES = bytes(sorted(_DIGITS))
_UNTOLD = bytes(sorted({*range(256)} - _SIGNS - _DIGITS))
_GAPPED = bytes(0 if code in _GAPS else 1 for code in range(256))
_UNBROKEN = bytes([1]) * RUN

Signs = frozenset[int] | None
"""One of them is needed; None: whatever there is will do."""


class Inventory(Struct, frozen=True):
    """What a text has of what patterns need."""

    digits: int
    run: bool
    signs: frozenset[int]


def inventory(data: bytes) -> Inventory:
    """Of a text in UTF-8."""
    told = data.translate(None, _UNTOLD)
    signs = told.translate(None, _FIGURES)
    return Inventory(len(told) - len(signs), _UNBROKEN in data.translate(_GAPPED), frozenset(signs))


class Needs(Struct, frozen=True):
    """Digits, whether `RUN` characters without a gap, and one of these signs."""

    digits: int = 0
    run: bool = False
    signs: Signs = None

    def met_by(self, text: Inventory) -> bool:
        """False only of a text in which no pattern with these needs matches."""
        return (
            text.digits >= self.digits
            and (text.run or not self.run)
            and (self.signs is None or not self.signs.isdisjoint(text.signs))
        )

    def or_else(self, other: Needs) -> Needs:
        """What one of two patterns needs at least."""
        signs = None if self.signs is None or other.signs is None else self.signs | other.signs
        return Needs(min(self.digits, other.digits), self.run and other.run, signs)


def either(needs: Iterable[Needs]) -> Needs:
    """What one of several patterns needs at least."""
    return reduce(Needs.or_else, needs)


@cache
def needs(pattern: str) -> Needs:
    """What a text needs at least for a pattern (RE2) to match in it. Nothing is known of a list of
    words, and of what Python cannot read."""
    if len(pattern) > _LONGEST:
        return Needs()
    try:
        parsed = import_module("re._parser").parse(_in_python(pattern))
    except re.error:
        return Needs()
    least = _sequence(parsed)
    return Needs(least.digits, least.run >= RUN, least.signs)


def _in_python(pattern: str) -> str:
    """The pattern with all that a kind of characters may be in place of its name."""
    pattern = re.sub(r"\\x\{(\w+)\}", lambda m: rf"\U{int(m.group(1), 16):08x}", pattern)
    return with_kinds(pattern, _any_of_a_kind)


def _any_of_a_kind(kind: str, negated: bool) -> str | None:
    """Of characters that a class has, or, `negated`, has not: then as few as may be."""
    if not kind or negated:
        return "é" if kind else None
    return r"\s\S" if kind[0] in "CZ" else r"\S"


class _Least(Struct, frozen=True):
    """Of every match of a pattern: its digits, its characters in a row without a gap, at its
    beginning and at its end, and in all (`length`) where it has `no_gap`; one of what signs."""

    digits: int = 0
    run: int = 0
    head: int = 0
    tail: int = 0
    length: int = 0
    no_gap: bool = True
    signs: Signs = None

    def then(self, other: _Least) -> _Least:
        """Of one match behind another."""
        return _Least(
            self.digits + other.digits,
            max(self.run, other.run, self.tail + other.head),
            self.length + other.head if self.no_gap else self.head,
            self.tail + other.length if other.no_gap else other.tail,
            self.length + other.length,
            self.no_gap and other.no_gap,
            _fewer(self.signs, other.signs),
        )

    def or_else(self, other: _Least) -> _Least:
        """Of a match of one of two."""
        return _Least(
            min(self.digits, other.digits),
            min(self.run, other.run),
            min(self.head, other.head),
            min(self.tail, other.tail),
            min(self.length, other.length),
            self.no_gap and other.no_gap,
            None if self.signs is None or other.signs is None else self.signs | other.signs,
        )


def _fewer(one: Signs, other: Signs) -> Signs:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other, key=len)


_EMPTY = _Least()


def _sequence(items: Iterable[tuple[Any, Any]]) -> _Least:
    return reduce(_Least.then, (_item(str(kind), what) for kind, what in items), _EMPTY)


def _item(kind: str, what: Any) -> _Least:
    match kind:
        case "LITERAL":
            return _char(frozenset([min(what, _BEYOND)]))
        case "IN":
            return _char(_class(what))
        case "ANY" | "NOT_LITERAL":
            return _char(_ALL)
        case "BRANCH":
            return reduce(_Least.or_else, map(_sequence, what[1]))
        case "SUBPATTERN":
            return _sequence(what[3])
        case "MAX_REPEAT" | "MIN_REPEAT":
            return _repeated(*what)
        case "AT":
            return _EMPTY
    raise ValueError(f"what {kind} needs is not known")


def _repeated(low: int, high: int, items: Any) -> _Least:
    once = _sequence(items)
    least = reduce(_Least.then, [once] * min(low, _MOST), _EMPTY)
    return least if high == low else least.then(_Least(no_gap=once.no_gap))


@cache
def _char(chars: frozenset[int]) -> _Least:
    """One character of a class that has these and no others."""
    whole = chars.isdisjoint(_GAPS)
    n, signs = int(whole), chars if chars <= _SIGNS else None
    return _Least(int(chars <= _DIGITS), n, n, n, n, whole, signs)


def _class(items: Sequence[tuple[Any, Any]]) -> frozenset[int]:
    """Its characters; of those beyond ASCII one stands for all, which no other excludes."""
    chars = frozenset[int]().union(*(_member(str(kind), what) for kind, what in items))
    negated = str(items[0][0]) == "NEGATE"
    return _ALL - (chars - {_BEYOND}) if negated else chars


def _member(kind: str, what: Any) -> Iterable[int]:
    match kind:
        case "NEGATE":
            return ()
        case "LITERAL":
            return [min(what, _BEYOND)]
        case "RANGE":
            return range(min(what[0], _BEYOND), min(what[1], _BEYOND) + 1)
        case "CATEGORY":
            return _CATEGORIES[str(what)]
    raise ValueError(f"a class holds no {kind}")


_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") | _DIGITS
_CATEGORIES = {
    "CATEGORY_DIGIT": _DIGITS,
    "CATEGORY_WORD": _WORD,
    "CATEGORY_SPACE": _GAPS,
    "CATEGORY_NOT_DIGIT": _ALL - _DIGITS,
    "CATEGORY_NOT_WORD": _ALL - _WORD,
    "CATEGORY_NOT_SPACE": _ALL - _GAPS,
}
"""In ASCII, as RE2 has them."""
