"""Outlines: where in a text a number may stand that is hard to hit by chance, by its groups alone.

One pass over a text says so; groups are read one by one only where an outline is.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from string import ascii_uppercase
from typing import Any

from shortstop.privacy.detect.numbers import iban_length
from shortstop.privacy.detect.rules import characters_of, compile_pattern

_GAP = "[^0-9A-Za-z]+"
_ISSUERS = "(?:[3-6][0-9]|2[1-7]|18|97)"
"""How the numbers of cards begin."""
_MAYBE = "[^0-9A-Za-z]*"


def _row(*lengths: int) -> str:
    """Groups of digits of these lengths."""
    return _GAP.join(rf"\d{{{n}}}" for n in lengths)


def _split(value: str) -> str:
    """Items of a pattern, with gaps or none between them."""
    return _MAYBE.join(value.split())


def _card() -> str:
    """The groups that `numbers.card_shape` allows, so far as all have them."""
    rows = [(4, 4, 4), (4, 6, 4), (4, 6, 5), (6, 13), [3] * 4, [2] * 6]
    begun = (rf"{_ISSUERS}\d{{{n - 2}}}{_GAP}{_row(*more)}" for n, *more in rows)
    return "|".join([*begun, _row(*[1] * 12)])


def _iban() -> str:
    """A country with IBANs, and digits or capitals enough."""
    by_head: dict[str, str] = {}
    for a, b in product(ascii_uppercase, repeat=2):
        if iban_length(a + b):
            by_head[a] = by_head.get(a, "") + b
    split = "|".join(f"{a}{_MAYBE}[{tail}]" for a, tail in by_head.items())
    small = "|".join(f"{a}[{tail}]" for a, tail in by_head.items())
    rest = _split(r"\d " + "[0-9A-Z] " * 11)
    return rf"(?:{split}){_MAYBE}\d{_MAYBE}{rest}|(?i:(?:{small})\d{_MAYBE}{rest})"


def _nir() -> str:
    """A French number in the groups that it is printed in, before its key, or in even ones."""
    printed = _GAP.join([r"[12]", r"\d\d", r"\d\d", r"(?:\d\d|2[ABab])", r"\d{3}", r"\d{3}"])
    in_one = r"[12]\d{4}(?:\d\d|2[ABab])\d{6}"
    keyed = rf"(?:{printed}|{in_one}){_MAYBE}\d\d"
    return "|".join([keyed, _row(5, 5, 5), _row(*[1] * 15), _row(*[2] * 7, 1)])


def _fiscale() -> str:
    letters, either = "[A-Z] ", "[0-9A-Z] "
    written = letters * 6 + either * 2 + letters + either * 2 + letters + either * 3 + letters
    small = rf"(?i:[a-z]{{6}}{_MAYBE}\d\d{_MAYBE}[a-z]{_MAYBE}\d\d{_MAYBE}[a-z])"
    return f"{_split(written)}|{small}"


@cache
def _pattern() -> Any:
    edge = "(?:[^0-9A-Za-z]|$)"
    return compile_pattern(
        rf"(?:^|[^0-9A-Za-z])((?:{_card()}|{_nir()}){edge}|{_iban()}|{_fiscale()})"
    )


def outlines(text: str) -> list[int]:
    """Where a group is that may begin such a number, in order."""
    data = text.encode("utf-8", "replace")
    search, position = _pattern().search, 0
    found: list[int] = []
    while (match := search(data, position)) is not None:
        found.append(match.start(1))
        position = match.start(1) + 1
    if not found or len(data) == len(text):
        return found
    return [start for start, _ in characters_of(data, ((start, start) for start in found))]
