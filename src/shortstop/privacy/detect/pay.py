# ruff: noqa: E501 - patterns are read whole
"""What somebody earns, owes or is taxed: an amount beside a word for it, and whose it is."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from shortstop.privacy.detect.letters import bare_bytes, tight
from shortstop.privacy.detect.needs import Needs
from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.somebody import places

REACH = 80
"""Bytes between an amount and the word for it."""
PERSON = 120
"""Bytes around the two in which a person is named."""
_AMOUNT = r"(?:\d{1,3}(?:[ .,'’]\d{3})+|\d{3,7})(?:[.,]\d{2})?\b|\b\d{2,3}(?:[.,]\d)? ?k\b|\b\d(?:[.,]\d)? ?m\b|\d+(?:[.,]\d+)? ?(?:万|萬|만|тыс|тисяч|tys|tusen|tusind|tisíc|ezer|ezret|ألف|אלף|हज़ार|हजार|ribu|nghìn|млн|mln|triệu|juta|lakhs?|lacs?|crores?)"
NEEDS = Needs(digits=1)
"""Of every text in which there is an amount."""
_YEAR = re.compile(r"(?:19|20)\d\d")


@cache
def _sources() -> dict[str, str]:
    path = files("shortstop.privacy").joinpath("data/pay.toml")
    words = tomllib.loads(path.read_text(encoding="utf-8"))
    named = "|".join([words["named"], *words["further"].values()])
    unspaced = "|".join(words["unspaced"].values())
    return {
        "named": rf"(?i)(?:^|[^\pL])(?:{named})(?:[^\pL]|$)|{unspaced}",
        "own": (
            rf"(?i)(?:^|[^\pL])(?:{words['own']})(?:[^\pL\d][^\n\d]{{0,24}}?|[是为為はが은는이가]?\s?)[^\pL\d]?({_AMOUNT})"
        ),
        "supposed": rf"(?i)(?:^|[^\pL])(?:{words['supposed']})[^\pL]*$",
        "exercise": rf"(?i)(?:^|[^\pL])(?:{words['exercise']})",
        "amount": rf"(?i)(?:^|[^\d.,/-]|[^\d],)({_AMOUNT})(?:[^\d/-]|$)",
        "gate": rf"(?i)(?:^|[^\pL])(?:{named}|{words['own']})|{unspaced}",
    }


@cache
def _patterns() -> dict[str, Any]:
    """For a bare text; compiled when a text first may hold an amount."""
    return {kind: compile_pattern(tight(p)) for kind, p in _sources().items() if kind != "gate"}


def gates() -> tuple[str, ...]:
    """Patterns (RE2), one of which matches in every text in which `spans` may find something."""
    return (_sources()["gate"],)


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every amount in UTF-8 that is somebody's pay, debt or tax."""
    patterns, as_is = _patterns(), data
    data = bare_bytes(data)
    for match in patterns["own"].finditer(data):
        before = data[max(0, match.start() - 20) : match.start() + 1]
        if not _is_year(match.group(1)) and patterns["supposed"].search(before) is None:
            yield match.span(1)
    if patterns["exercise"].search(data) is not None:
        return
    people: list[int] | None = None
    judged = set[int]()
    for word in patterns["named"].finditer(data):
        low, high = max(0, word.start() - REACH), word.end() + REACH
        for amount in patterns["amount"].finditer(data[low:high]):
            start, end = low + amount.start(1), low + amount.end(1)
            if _is_year(amount.group(1)) or start in judged:
                continue
            people = _people(as_is) if people is None else people
            first, last = min(start, word.start()), max(end, word.end())
            if bisect_left(people, first - PERSON) < bisect_left(people, last + PERSON):
                judged.add(start)
                yield start, end


def _people(data: bytes) -> list[int]:
    """Where people are named, in bytes."""
    text = data.decode("utf-8", "ignore")
    positions, done, offset = [], 0, 0
    for place in sorted(places(text)):
        offset += len(text[done:place].encode())
        done = place
        positions.append(offset)
    return positions


def _is_year(amount: bytes) -> bool:
    return _YEAR.fullmatch(amount.decode()) is not None
