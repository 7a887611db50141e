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
        "аеорсухіјѕԁһӏԛԝАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορνικτυχγոօѵѡԍɡɑıⅼǀ∣│┃￨∙‧⋅・･●▪◦‣⁄∕÷",
        "aeopcyxijsdhlqwABEKMHOPCTYXIJSABEZHIKMNOPTYXaopvikTuxynovwggail|||||·····••••///",
        strict=False,
    )
)


_INVISIBLE = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Variation selectors and fillers, which nobody sees."""
_WHOLE = frozenset("ำຳ")
"""Vowels that NFKC takes apart, and no dictionary does."""
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARK = re.compile(f"[{_MARKS}]")


@lru_cache(maxsize=8192)
def fold(char: str) -> str:
    """The ASCII-like spelling of one character; "" for an invisible one."""
    if char in _DASHES:
        return "-"
    if char in _LOOKALIKES:
        return _LOOKALIKES[char]
    category = unicodedata.category(char)
    if category == "Cf" or _INVISIBLE.match(char):
        return ""
    if category in ("Nd", "No"):
        digit = unicodedata.digit(char, None)
        if digit is not None:
            return str(digit)
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    if char in _WHOLE:
        return char
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
    marked = _MARK.search(text) is not None
    if not folded and not marked:
        return plain(text)
    return rewrite(text, _any_of("".join(sorted(folded)), marked), lambda m: _plain(m.group()))


def _plain(found: str) -> str:
    """One character folded; with marks over it, a letter that has them, else without them."""
    if len(found) == 1:
        return "" if _MARK.match(found) else fold(found)
    one = unicodedata.normalize("NFC", found)
    return fold(one if len(one) == 1 and one.isalpha() else found[0])


@lru_cache(maxsize=256)
def _any_of(chars: str, marked: bool) -> re.Pattern[str]:
    each = f"[{re.escape(chars)}]" if chars else ""
    marks = rf"\w[{_MARKS}]+|[{_MARKS}]" if marked else ""
    return re.compile("|".join(filter(None, (marks, each))))


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
