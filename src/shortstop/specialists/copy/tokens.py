"""A text as tokens with their lines, and what each token looks like to a tagger."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

_TOKEN = re.compile(r"\d+(?:[.,/:\-]\d+)*|[^\W\d_]+|[^\s\w]|_")
_RUN = re.compile(r"(.)\1+")
NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
LINES_AROUND = (-2, -1, 1)
MAX_TOKENS = 4000
"""Tokens of a text that are read; a longer one is not for a tagger."""


class Token(NamedTuple):
    """`text[start:end]` is the token, on line number `line`, from 0."""

    word: str
    start: int
    end: int
    line: int


def tokens(text: str) -> list[Token]:
    found, line, last = [], 0, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", last, match.start())
        last = match.start()
        found.append(Token(match.group(), match.start(), match.end(), line))
    return found


def shape(word: str) -> str:
    """Letters as x or X, digits as d, everything else as it is: "RM12.50" is "XXdd.dd"."""
    return "".join(
        "d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in word
    )


def features(text: str, found: list[Token]) -> list[list[str]]:
    """One list of names for each token: its form, its place, and what stands around it."""
    shapes = [shape(token.word) for token in found]
    words = [token.word.lower() for token in found]
    lines = _lines(found)
    counts = Counter(words)
    last = found[-1].line if found else 0
    bags = {line: [words[i] for i in rows] for line, rows in lines.items()}
    outlines = {line: "".join(shapes[i] for i in rows)[:24] for line, rows in lines.items()}
    out = []
    for i, token in enumerate(found):
        row = lines[token.line]
        place, word, form = i - row[0], words[i], shapes[i]
        names = [
            "w=" + word, "s=" + form, "c=" + _RUN.sub(r"\1", form),
            "p=" + word[:3], "e=" + word[-3:],
            f"i={min(place, 6)}", f"j={min(row[-1] - i, 6)}",
            f"l={min(token.line, 12)}", f"m={min(last - token.line, 12)}",
            f"d={10 * token.line // (last + 1)}", f"n={min(counts[word], 4)}",
            "o=" + outlines[token.line], "g=" + _glued(text, token),
        ]  # fmt: skip
        if i and found[i - 1].end == token.start:
            names.append("g-1=" + words[i - 1])
        for offset in NEIGHBOURS:
            near = i + offset
            if 0 <= near < len(found):
                names.append(f"w{offset}={words[near]}")
                if abs(offset) < 3:
                    names.append(f"s{offset}={shapes[near]}")
            else:
                names.append(f"w{offset}=|")
        names += ["b=" + other for other in set(bags[token.line])]
        for offset in LINES_AROUND:
            beside = token.line + offset
            names += [f"b{offset}={other}" for other in set(bags.get(beside, ()))]
            names.append(f"o{offset}={outlines.get(beside, '|')}")
        out.append(names)
    return out


def _glued(text: str, token: Token) -> str:
    """Whether something stands at it without a blank, before and behind: "RM9.00" is one price."""
    before, behind = text[token.start - 1 : token.start], text[token.end : token.end + 1]
    return f"{int(bool(before.strip()))}{int(bool(behind.strip()))}"


def _lines(found: list[Token]) -> dict[int, list[int]]:
    """The numbers of the tokens on each line that has some."""
    lines: dict[int, list[int]] = {}
    for number, token in enumerate(found):
        lines.setdefault(token.line, []).append(number)
    return lines
