# ruff: noqa: E501 - patterns are read whole
"""Stated secrets: a text says that a value is a password, so it is one, even a plain word.

What carries a digit or a sign is weighed (`credentials`); this is for words that nothing but the
statement tells. The words are data (`data/secret_words.toml`, "stated").
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from shortstop.privacy.detect.filled import is_answer, is_chosen, is_plain, is_value
from shortstop.privacy.detect.rules import lettered
from shortstop.privacy.detect.wordlists import secret_words as words

_QUOTED = r"[\"“„«「『'`‘]([^\"”“»」』'`’\n]{3,40})[\"”“»」』'`’]"
_PLAIN = r"(\pL[\pL'’-]{3,24})(?:[.,;!)][\s\"'”)]|[.!)\n]|$|\s(?:and|und|et|y|e|en|i|и|but)\s)"
_LOOSE = frozenset(["to", "on", "be", "are", "now", "—", "-"])
"""Of the copulas those that need quotes behind them."""


def _noun() -> str:
    return "(?:" + "|".join(sorted(words()["stated"]["nouns"], key=len, reverse=True)) + ")"


@cache
def _patterns() -> tuple[Any, ...]:
    noun = _noun()
    copulas = "|".join(words()["stated"]["copulas"])
    plain = "|".join(c for c in words()["stated"]["copulas"] if c not in _LOOSE)
    mine = "|".join(words()["stated"]["mine"])
    return (
        lettered(rf"(?i){noun}[^.!?\n:=\"“„«「'`]{{0,40}}?(?:\b(?:{copulas})\s+|[是为為はがは]|[는은]\s?|:\s?|：){_QUOTED}"),
        lettered(rf"(?i)\b(?:{mine})\s(?:[\pL-]+\s){{0,3}}?{noun}((?:\s[\pL\d.-]+){{0,4}}?)\s(?:{plain})\s+{_PLAIN}"),
        lettered(rf"(?im)(?:^|[,;|(])[^\S\n]{{0,3}}[>*•-]?\s?(?:wi-?fi |wlan-?)?{noun}\s?[:：]\s{{0,3}}(\pL[\pL'’-]{{3,24}}(?: \pL{{2,16}}){{0,3}})(?:[.,;!)][\s\"'”)]|[.,!)\n]|$)"),
        lettered(rf"(?im)(?:^|[^\pL]){noun}\s(?:of|for|to|on|del|de la|de|della|dello|di|du|der|des|vom|von|für|fürs|zum|zur|van|voor|do|da|dla|od|til|till|för|от|для|к)\s(?:[\pL'’-]+\s?){{1,3}}\s?[:：=]\s{{0,3}}(\pL[\pL\d_.'’-]{{3,24}}(?: \pL{{2,16}}){{0,1}})(?:[.,;!)]?\s*(?:\n|$)|[,;]\s)"),
        lettered(rf"(?im)^[^\S\n]{{0,3}}(?:[>*•#-]\s?)?\**{noun}\**\s?[:：]?\s*\n[^\S\n]{{0,3}}([!-~À-ɏ]{{4,40}})$"),
    )  # fmt: skip


def gates() -> tuple[str, ...]:
    """Patterns (RE2), one of which matches in every text in which `spans` may find something."""
    return (f"(?i){_noun()}",)


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every value in UTF-8 that is said to be a secret."""
    quoted, said, line, of_a_thing, below = _patterns()
    checks = ((quoted, is_value), (line, is_plain), (of_a_thing, is_chosen), (below, is_answer))
    for pattern, check in checks:
        for match in pattern.finditer(data):
            if check(match.group(1).decode("utf-8", "ignore")):
                yield match.span(1)
    for match in said.finditer(data):
        between = match.group(1).decode("utf-8", "ignore").lower().split()
        if _compounds().isdisjoint(between) and is_plain(match.group(2).decode("utf-8", "ignore")):
            yield match.span(2)
    yield from _cells(data)


def _cells(data: bytes) -> Iterator[tuple[int, int]]:
    """Values in a column of a table whose head is such a noun."""
    for head in _heads().finditer(data):
        mark = next((m for m in _MARKS if m in head.group()), b"|")
        names = [_noun_alone().fullmatch(c.strip(b' *`"')) for c in head.group().split(mark)]
        position = head.end() + 1
        for line in data[position : position + _TABLE].split(b"\n"):
            cells = line.split(mark)
            if len(cells) != len(names):
                break
            at = position
            for name, cell in zip(names, cells, strict=True):
                value = cell.strip(b' *`"\r')
                if name and is_answer(value.decode("utf-8", "ignore")):
                    start = at + cell.index(value)
                    yield start, start + len(value)
                at += len(cell) + 1
            position += len(line) + 1


_MARKS = (b"|", b";", b"\t", b",")
_TABLE = 4_000
"""Bytes of a table that are read below its head."""


@cache
def _heads() -> Any:
    """A line of cells, one of which is a noun."""
    return lettered(rf"(?im)^(?:[^\n]{{0,120}}[|;\t,])?[ *`\"]{{0,3}}(?:{_noun()}|pins?|codes?|pwd?)[ *`\"]{{0,3}}(?:[|;\t,][^\n]{{0,120}})?$")  # fmt: skip


@cache
def _noun_alone() -> Any:
    return lettered(rf"(?i)(?:{_noun()}|pins?|codes?|pwd?)")


@cache
def _compounds() -> frozenset[str]:
    """What makes something else of the noun: "password reset", "password must"."""
    return frozenset(words()["stated"]["compounds"])
