"""JSON of a bounded size in memory: counted in the bytes, before anything is built from them.

A value costs 16 to 100 bytes of memory and can be written in two bytes of text; some numbers take
ten microseconds to read and five bytes to write. A limit of bytes alone bounds neither memory nor
the time for which decoding holds the interpreter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

MAX_VALUES = 320_000
"""Values of one JSON text unless told otherwise; 300,000 tokens to embed are the most that a
vendor takes."""
SHORT = 1 << 13
"""Bytes up to which a text is decoded uncounted: at the worst that takes 15 ms."""
CONTAINERS, EXPONENTS, DIGITS = 1 / 8, 1 / 256, 20
"""Of as many values as are allowed: arrays and objects, numbers with an exponent, and digits."""
SLICE = 1 << 17
"""Bytes looked at in one step, a fraction of a millisecond."""
_DECODE = msgspec.json.Decoder().decode
_BACKSLASHES = re.compile(rb"\\*.?", re.DOTALL)
_BACKSLASH, _QUOTE, _COMMA, _ZERO, _E, _SMALL = b'\\",0e '
_SEPARATORS, OPENING, _CLOSING = b",[{", b"[{", b"]}"

Signs = np.ndarray[Any, np.dtype[np.uint8]]
Marks = np.ndarray[Any, np.dtype[np.bool_]]


class TooManyValues(ValueError):
    """The text holds more than is decoded. `limit`: of how many values."""

    def __init__(self, limit: int, what: str = "values") -> None:
        super().__init__(f"more than {limit} JSON {what}")
        self.limit = limit


def decode(text: bytes | str, limit: int = MAX_VALUES) -> Any:
    """Decode JSON of at most `limit` values, and of what `require_small` says.

    Raises TooManyValues, msgspec.DecodeError, UnicodeDecodeError, or RecursionError.
    """
    if len(text) > SHORT:
        require_small(text if isinstance(text, bytes) else text.encode(), limit)
    return _DECODE(text)


def require_small(body: bytes, limit: int) -> None:
    """Raises TooManyValues for more than `limit` values, an eighth as many arrays and objects, a
    256th as many numbers with an exponent, and 20 times as many digits outside strings.

    Every value but the first comes after a comma or opens an array or object, so it is one more
    than these signs outside strings: an empty array counts twice, a key not at all.
    """
    exponents = int(limit * EXPONENTS)
    if 1 + count_signs(body, _SEPARATORS) <= exponents:
        return
    values, opened, powers, digits = 1, 0, 0, 0
    for signs in _outside_strings(body):
        opening = _count(_any_of(signs, OPENING))
        digit = (signs - _ZERO) < 10
        values += _count(signs == _COMMA) + opening
        opened += opening
        digits += _count(digit)
        powers += _count(((signs[1:] | _SMALL) == _E) & digit[:-1])
        for number, most, what in (
            (values, limit, "values"),
            (opened, int(limit * CONTAINERS), "arrays and objects"),
            (powers, exponents, "numbers with an exponent"),
            (digits, limit * DIGITS, "digits in numbers"),
        ):
            if number > most:
                raise TooManyValues(most, what)


def depth_of(body: bytes) -> int:
    """How many arrays and objects are open at once, at most."""
    deepest = depth = 0
    for signs in _outside_strings(body):
        opening, closing = _any_of(signs, OPENING), _any_of(signs, _CLOSING)
        levels = np.cumsum(opening.astype(np.int8) - closing, dtype=np.int64)
        deepest = max(deepest, depth + int(levels.max(initial=0)))
        depth += int(levels[-1]) if len(levels) else 0
    return deepest


def _outside_strings(body: bytes) -> Iterator[Signs]:
    """The text in slices, without its strings; a quote stands for each."""
    inside, start = False, 0
    while start < len(body):
        end = _end_of_slice(body, start)
        plain = body[start:end].replace(b"\\\\", b"").replace(b'\\"', b"")
        start = end
        if plain:
            signs = np.frombuffer(plain, np.uint8)
            within = np.logical_xor.accumulate(signs == _QUOTE)
            outside = within if inside else ~within
            inside = not outside[-1]
            yield signs[outside]


def _end_of_slice(body: bytes, start: int) -> int:
    """The end of a slice that parts no escape."""
    end = min(start + SLICE, len(body))
    if end < len(body) and body[end - 1] == _BACKSLASH:
        rest = _BACKSLASHES.match(body, end)
        assert rest is not None, "it matches nothing, too"
        end = rest.end()
    return end


def count_signs(body: bytes, signs: bytes) -> int:
    """How many of these bytes there are, those in strings as well: a bound that costs little."""
    if len(body) <= SHORT:
        return sum(map(body.count, signs))
    whole = np.frombuffer(body, np.uint8)
    slices = (whole[i : i + SLICE] for i in range(0, len(whole), SLICE))
    return sum(_count(part == sign) for part in slices for sign in signs)


def _any_of(signs: Signs, two: bytes) -> Marks:
    marked: Marks = (signs == two[0]) | (signs == two[1])
    return marked


def _count(marks: Marks) -> int:
    return int(np.count_nonzero(marks))
