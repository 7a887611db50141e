"""One plain spelling of a text, with the way back to offsets in the original."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_DASHES = frozenset("‐‑‒–—―−﹘﹣－⁃˗‾➖﹉")
_LOOKALIKES = dict(
    zip(
        "аеорсухіјѕԁһӏԛԝАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορνικτυχγ",
        "aeopcyxijsdhlqwABEKMHOPCTYXIJSABEZHIKMNOPTYXaopvikTuxy",
        strict=False,
    )
)


@lru_cache(maxsize=8192)
def fold(char: str) -> str:
    """The ASCII-like spelling of one character; "" for an invisible one."""
    if char in _DASHES:
        return "-"
    if char in _LOOKALIKES:
        return _LOOKALIKES[char]
    category = unicodedata.category(char)
    if category == "Cf" or (category == "Mn" and 0xFE00 <= ord(char) <= 0xFE0F):
        return ""
    if category in ("Nd", "No"):
        digit = unicodedata.digit(char, None)
        if digit is not None:
            return str(digit)
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    plain = unicodedata.normalize("NFKC", char)
    return plain if plain == char else "".join(fold(c) if ord(c) > 127 else c for c in plain)


class PlainView(Struct, frozen=True):
    """`text` as a detector reads it, and where its characters came from.

    The character at `starts[i]`, in rising order, comes from `raws[i]` in the original; those up to
    the next entry follow one by one. `raw_length` is the original's length.
    """

    text: str
    starts: tuple[int, ...] = (0,)
    raws: tuple[int, ...] = (0,)
    raw_length: int = 0

    def raw(self, position: int) -> int:
        """The original's offset of the character at `position`; its length for the end."""
        if position >= len(self.text):
            return self.raw_length
        i = bisect_right(self.starts, position) - 1
        return min(self.raws[i] + position - self.starts[i], self.raw_length)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's range that covers text[start:end], end exclusive."""
        return self.raw(start), max(self.raw(start), self.raw(end - 1) + 1 if end > start else 0)


class Stretch(Struct, frozen=True):
    """The way back from a text that was hidden in the original's [start, end): offsets within it
    are not known."""

    start: int
    end: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The whole stretch, whatever part is asked for."""
        return self.start, self.end


def plain(text: str) -> PlainView:
    """The view that changes nothing."""
    return PlainView(text, raw_length=len(text))


def canonical(text: str) -> PlainView:
    """The text with width, script, dashes, spaces and invisible characters folded. Nothing is done
    for ASCII."""
    if text.isascii():
        return plain(text)
    folded = {c: new for c in set(_NOT_ASCII.findall(text)) if (new := fold(c)) != c}
    if not folded:
        return plain(text)
    return rewrite(text, _any_of("".join(sorted(folded))), lambda m: folded[m.group()])


@lru_cache(maxsize=256)
def _any_of(chars: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(chars)}]")


def rewrite(
    text: str, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]
) -> PlainView:
    """`text` with every match of `pattern` replaced by `change(match)`, and the way back."""
    pieces: list[str] = []
    starts, raws = [0], [0]
    done = length = 0
    for match in pattern.finditer(text):
        new = change(match)
        begin, end = match.span()
        if new == match.group():
            continue
        pieces += (text[done:begin], new)
        length += begin - done
        for i in range(len(new)):
            starts.append(length + i)
            raws.append(min(begin + i, end - 1))
        length += len(new)
        starts.append(length)
        raws.append(end)
        done = end
    if not pieces:
        return plain(text)
    pieces.append(text[done:])
    return PlainView("".join(pieces), tuple(starts), tuple(raws), len(text))
