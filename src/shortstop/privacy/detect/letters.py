r"""Patterns about letters of all scripts, spelled so that RE2's automata for them stay small.

RE2 writes `\pL` out in bytes, in some 1,200 steps each time that it stands in a pattern; automata
of words were mostly that. There are two ways around it:

- A gate may hold too often, never too seldom: `loosened` takes everything beyond ASCII for a letter
  of any kind. In ASCII it is the same pattern.
- What says exactly where a word begins and ends reads a `bare` text, in which all beyond ASCII that
  is no letter is one of a few characters: to a `tight` pattern everything else is a letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise

_BEYOND = r"\x80-\x{10FFFF}"
_ASCII = {"L": "A-Za-z", "Lu": "A-Z", "Ll": "a-z", "N": "0-9", "Latin": "A-Za-z"} | dict.fromkeys(
    ("Han", "Hiragana", "Katakana", "Hangul", "Cyrillic", "Greek", "Arabic", "Hebrew"), ""
)
"""Kinds of characters: those of them that are ASCII."""
_KIND = r"\\p(?:\{(\w+)\}|(\w))"
_IN_CLASS = re.compile(rf"{_KIND}|\\.", re.DOTALL)
_ELEMENT = re.compile(rf"{_KIND}|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\\.", re.DOTALL)

_OTHERS = {2: "\x80", 3: "\u2000", 4: "\U0001f000"}
_NUMBERS = {2: "\u00b2", 3: "\u2070", 4: "\U0001d7ce"}
"""What stands in a bare text for what is no letter, by length in UTF-8."""
_MARKS = (
    "\u00b7\u00bf\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0951-\u0957"
    "\u0981-\u0983\u09bc\u09be-\u09c4\u09c7\u09c8\u09cb-\u09cd\u0bbe-\u0bc2\u0bc6-\u0bc8\u0bca-\u0bcd"
    "\u0c00-\u0c04\u0c3e-\u0c44\u0c46-\u0c48\u0c4a-\u0c4d\u0e31\u0e34-\u0e3a\u0e3f\u0e47-\u0e4f"
    "\u0a3e-\u0a42\u0abe-\u0ac5\u0acd\u0c81-\u0c83\u0cbe-\u0cc4\u0ccd\u0d00-\u0d03\u0d3e-\u0d44"
    "\u0d46-\u0d48\u0d4a-\u0d4d\u00a3\u00b0\u20ac\u0e5a\u0e5b\u05f3\u200c\u2019\u201c\u2e80-\u2eff\u3001\u3002\u30a0\u30fb"
)
_FIGURES = "\u0e50-\u0e59\u3007\u3021-\u3029\u3038-\u303a"
"""What is kept: tight patterns name it, or a class of theirs holds it. Figures are numbers, too."""
_KEPT = re.compile(f"[{_MARKS}{_FIGURES}]")


def loosened(pattern: str) -> str:
    """A pattern (RE2) that matches wherever `pattern` does, and in ASCII nowhere else. What it
    does not know it leaves as it is."""

    def content(kind: str, negated: bool) -> str | None:
        own = _ASCII.get(kind)
        return own if own is None or negated else own + _BEYOND

    return with_kinds(pattern, content)


def tight(pattern: str) -> str:
    r"""A pattern (RE2) that matches in a bare text where `pattern` does in any: of `\pL` and `\pN`.
    It may name what `bare` keeps; raises ValueError where it names others that are no letters."""
    if strange := [char for char in set(pattern) if _is_strange(char)]:
        raise ValueError(f"no bare text has {strange}")
    return with_kinds(pattern, lambda kind, negated: _BARE.get(kind))


def bare(text: str) -> str:
    """The text with one of a few characters for each beyond ASCII that is no letter, of the same
    length in characters and in UTF-8."""
    if text.isascii():
        return text
    for char in filter(_is_strange, set(text)):
        like = _NUMBERS if unicodedata.category(char).startswith("N") else _OTHERS
        text = text.replace(char, like[len(char.encode("utf-8", "surrogatepass"))])
    return text


def bare_bytes(data: bytes) -> bytes:
    """The same of a text in UTF-8."""
    return data if data.isascii() else bare(data.decode("utf-8", "replace")).encode()


def _is_strange(char: str) -> bool:
    """Whether a bare text has another in its place."""
    return char > "\x7f" and not char.isalpha() and not _KEPT.match(char)


def with_kinds(pattern: str, content: Callable[[str, bool], str | None]) -> str:
    """The pattern with what a class of characters has for each kind of them, by name and whether
    the class is negated. None: as it is."""

    def in_class(kind: re.Match[str], negated: bool) -> str:
        new = content(kind.group(1) or kind.group(2) or "", negated)
        return kind.group() if new is None else new

    def element(match: re.Match[str]) -> str:
        text = match.group()
        if text.startswith("["):
            return _IN_CLASS.sub(lambda kind: in_class(kind, text.startswith("[^")), text)
        new = in_class(match, False)
        return text if new == text else f"[{new}]"

    return _ELEMENT.sub(element, pattern)


def _codes(chars: str) -> Iterator[int]:
    """The characters of a class, by number."""
    for match in re.finditer("(.)-(.)|.", chars):
        first, last = match.group(1) or match.group(), match.group(2) or match.group()
        yield from range(ord(first), ord(last) + 1)


def _beyond_without(chars: str) -> str:
    """The inside of a class of all beyond ASCII but these."""
    ends = [0x7F, *sorted(_codes(chars)), 0x110000]
    return "".join(
        rf"\x{{{before + 1:X}}}-\x{{{after - 1:X}}}"
        for before, after in pairwise(ends)
        if after > before + 1
    )


_FIGURES_TOO = "".join(_NUMBERS.values()) + _FIGURES
_BARE = {
    "L": "A-Za-z" + _beyond_without("".join(_OTHERS.values()) + _MARKS + _FIGURES_TOO),
    "N": "0-9" + _FIGURES_TOO,
}
"""Kinds of characters of a bare text, as the inside of a class."""
