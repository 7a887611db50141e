r"""How a model may spell a surrogate: plain, or with `\u0040`, `\x40`, `%40`, `&#64;`, `\_` in it.

A value comes back in the same spelling, so that JSON stays JSON and a link a link.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

from msgspec import Struct

_HEX = "[0-9A-Fa-f]"
_PERCENT = "%(?:25){0,3}"
_NEXT = rf"{_PERCENT}[89ABab]{_HEX}"
"""A further byte of a character in UTF-8."""
_ESCAPE = re.compile(
    rf"(?P<slashes>\\+)(?:u\{{0{{0,6}}(?P<braced>{_HEX}{{1,6}})\}}|u(?P<four>{_HEX}{{4}})"
    rf"|U(?P<eight>{_HEX}{{8}})|x(?P<two>{_HEX}{{2}})|(?P<mark>[^\w\s\\]|_))"
    rf"|(?P<percent>{_PERCENT}(?:[0-7]{_HEX}|[CDcd]{_HEX}{_NEXT}|[Ee]{_HEX}(?:{_NEXT}){{2}}))"
    rf"|(?P<entity>&(?:amp;){{0,3}}(?:\#\d{{1,7}}|\#[xX]{_HEX}{{1,6}}|[A-Za-z]{{2,8}});)"
)
_PART = rf"(?:{_PERCENT}{_HEX}{{0,2}}){{0,2}}"
_OPEN_END = re.compile(
    rf"(?:\\+(?:u\{{?{_HEX}{{0,6}}|U{_HEX}{{0,7}}|x{_HEX}?)?"
    rf"|{_PERCENT}(?:[CDEcde]{_HEX}{_PART}|{_HEX}{{0,2}})"
    rf"|&(?:amp;){{0,3}}(?:\#[xX]?)?[0-9A-Za-z]{{0,8}})$"
)
LONGEST_ESCAPE = 72
_MARKDOWN = "\\`*_[]<>#|~"


class Spelling(Struct, frozen=True):
    """`text` is what was meant; its i-th character is spelled at [begins[i], ends[i]) of the raw
    text."""

    text: str
    begins: Sequence[int]
    ends: Sequence[int]

    def raw(self, position: int) -> int:
        """Where the character at `position`, or the end, begins in the raw text."""
        if position < len(self.begins):
            return self.begins[position]
        return self.ends[-1] if self.ends else 0


def is_plain(text: str) -> bool:
    """Whether nothing in it is escaped."""
    return not ("\\" in text or "%" in text or "&" in text)


def read(text: str) -> Spelling:
    """What a text means, character by character."""
    if is_plain(text):
        return Spelling(text, range(len(text)), range(1, len(text) + 1))
    meant: list[str] = []
    begins: list[int] = []
    ends: list[int] = []

    def add(chars: str, begin: int, end: int) -> None:
        meant.append(chars)
        if end - begin == len(chars):
            begins.extend(range(begin, end))
            ends.extend(range(begin + 1, end + 1))
        else:
            begins.extend([begin] * len(chars))
            ends.extend([end] * len(chars))

    done = 0
    for match in _ESCAPE.finditer(text):
        add(text[done : match.start()], done, match.start())
        add(_meant(match), *match.span())
        done = match.end()
    add(text[done:], done, len(text))
    return Spelling("".join(meant), begins, ends)


def _meant(match: re.Match[str]) -> str:
    code = match["braced"] or match["four"] or match["eight"] or match["two"]
    if code is not None:
        number = int(code, 16)
        fits = number < 0xD800 or 0xE000 <= number <= 0x10FFFF
        return chr(number) if fits else match.group()
    if match["mark"] is not None:
        return match["mark"] if match["mark"] not in "\"'" else match.group()
    if match["percent"] is not None:
        plain = match.group()
        for _ in range(_percents(plain)):
            plain = plain.replace("%25", "%")
        found = unquote(plain)
        return found if "\ufffd" not in found else match.group()
    found = html.unescape(match.group().replace("amp;", ""))
    return found if len(found) == 1 else match.group()


def lone_slashes(raw: str) -> int:
    """How many characters at the beginning are backslashes of their own: where nothing else is
    escaped, they stand before what `raw` spells, like those of a path."""
    bare = raw.lstrip("\\")
    return len(raw) - len(bare) if bare[:1] in "+([" and "\\" not in bare else 0


def open_end(text: str) -> int:
    """Where an escape begins that may go on behind the text; its length when none does."""
    tail = text[-LONGEST_ESCAPE:]
    if is_plain(tail):
        return len(text)
    match = _OPEN_END.search(text, len(text) - len(tail))
    return len(text) if match is None else match.start()


def respelled(value: str, raw: str, *, escaped: bool) -> str:
    """The value as `raw`, which stands for it, is spelled. `escaped`: within a JSON string."""
    levels, first = int(escaped), None
    for match in _ESCAPE.finditer(raw):
        first = first or match
        if match["slashes"] is not None:
            levels = max(levels, _levels(match))
    if first is not None:
        value = _in_style(value, raw, first)
    for _ in range(levels):
        value = json.dumps(value, ensure_ascii=False)[1:-1]
    in_code = first is not None and first["two"] is not None and not escaped
    return value.replace("'", "\\'") if in_code else value


def _levels(match: re.Match[str]) -> int:
    r"""In how many JSON strings within each other the escape stands: 1 for `\u0040`, 2 for
    `\\u0040`; one less for a mark of Markdown, whose own backslash is the first."""
    return len(match["slashes"]).bit_length() - (match["mark"] is not None)


def _in_style(value: str, raw: str, first: re.Match[str]) -> str:
    if first["percent"] is not None:
        for _ in range(1 + _percents(first.group())):
            value = quote(value, safe="")
        return value
    if first["entity"] is not None:
        for _ in range(1 + first.group().count("amp;")):
            value = html.escape(value)
        return value
    if first["mark"] is not None:
        marks = {m["mark"] for m in _ESCAPE.finditer(raw)} | set(_MARKDOWN)
        return "".join(f"\\{c}" if c in marks else c for c in value)
    return value


def _percents(escape: str) -> int:
    """How many times the first percent sign is itself encoded."""
    match = re.match("%((?:25)*)[0-9A-Fa-f]{2}", escape)
    return len(match[1]) // 2 if match else 0
