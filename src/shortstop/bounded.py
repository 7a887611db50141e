"""JSON of a bounded number of values: counted in the bytes, before anything is built from them.

A value costs 16 to 100 bytes of memory and can be written in two bytes of text, so a limit of bytes
alone bounds neither memory nor the time for which decoding holds the interpreter.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np

MAX_VALUES = 320_000
"""Values of one JSON text unless told otherwise; 300,000 tokens to embed are the most that a
vendor takes."""
SLICE = 1 << 18
"""Bytes looked at in one step, a fraction of a millisecond."""
_DECODE = msgspec.json.Decoder().decode
_BACKSLASHES = re.compile(rb"\\*.?", re.DOTALL)
_BACKSLASH, _QUOTE = b"\\"[0], b'"'[0]
_SEPARATORS = tuple(b",[{")


class TooManyValues(ValueError):
    """The text has more values than are decoded. `limit`: how many those are."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} JSON values")
        self.limit = limit


def decode(text: bytes | str, limit: int = MAX_VALUES) -> Any:
    """Decode JSON of at most `limit` values.

    Raises TooManyValues, msgspec.DecodeError, UnicodeDecodeError, or RecursionError.
    """
    if len(text) > limit:
        require_few_values(text if isinstance(text, bytes) else text.encode(), limit)
    return _DECODE(text)


def require_few_values(body: bytes, limit: int) -> None:
    """Raises TooManyValues when `count_values` is above `limit`."""
    if 1 + _separators(body) > limit and count_values(body) > limit:
        raise TooManyValues(limit)


def count_values(body: bytes) -> int:
    """How many values the JSON holds; an empty array or object counts twice, a key not at all.

    Every value but the first comes after a comma or opens an array or object, so it is one more
    than these signs outside strings.
    """
    total, inside, start = 1, 0, 0
    while start < len(body):
        end = _end_of_slice(body, start)
        plain = body[start:end].replace(b"\\\\", b"").replace(b'\\"', b"")
        signs = np.frombuffer(plain, np.uint8)
        quotes = np.flatnonzero(signs == _QUOTE)
        before = np.searchsorted(quotes, np.flatnonzero(_marked(signs)))
        total += int(np.count_nonzero((before + inside) & 1 == 0))
        inside = (inside + len(quotes)) & 1
        start = end
    return total


def _end_of_slice(body: bytes, start: int) -> int:
    """The end of a slice that parts no escape."""
    end = min(start + SLICE, len(body))
    if end < len(body) and body[end - 1] == _BACKSLASH:
        rest = _BACKSLASHES.match(body, end)
        assert rest is not None, "it matches nothing, too"
        end = rest.end()
    return end


def _separators(body: bytes) -> int:
    """Commas and opening brackets, those in strings as well: a bound that costs little."""
    signs = np.frombuffer(body, np.uint8)
    slices = (signs[i : i + SLICE] for i in range(0, len(signs), SLICE))
    return sum(int(np.count_nonzero(part == sign)) for part in slices for sign in _SEPARATORS)


def _marked(signs: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    comma, bracket, brace = _SEPARATORS
    marked: np.ndarray[Any, np.dtype[np.bool_]]
    marked = (signs == comma) | (signs == bracket) | (signs == brace)
    return marked
