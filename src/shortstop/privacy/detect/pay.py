# ruff: noqa: E501 - patterns are read whole
"""What somebody earns, owes or is taxed: an amount beside a word for it, and whose it is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.names.people import NOT_NAMES, TITLES, first_names, unaccented

REACH = 60
"""Bytes between an amount and the word for it."""
PERSON = 100
"""Bytes around the two in which a person is named."""
_AMOUNT = r"(?:\d{1,3}(?:[ .,'’]\d{3})+|\d{3,7})(?:[.,]\d{2})?\b|\b\d{2,3}(?:[.,]\d)? ?k\b|\b\d(?:[.,]\d)? ?m\b|\d+(?:[.,]\d+)? ?(?:万|萬|만|тыс|tys)"
_YEAR = re.compile(r"(?:19|20)\d\d")
_NAME = re.compile(
    r"\b([^\W\d_a-zß-öø-ÿ][^\W\d_]*)(?=(?:\.? |, |\. ?)([^\W\d_a-zß-öø-ÿ][^\W\d_]+))"
)


@cache
def _patterns() -> dict[str, Any]:
    path = files("shortstop.privacy").joinpath("data/pay.toml")
    words = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        "named": compile_pattern(rf"(?i)(?:^|[^\pL])(?:{words['named']})(?:[^\pL]|$)"),
        "own": compile_pattern(
            rf"(?i)(?:^|[^\pL])(?:{words['own']})(?:[^\pL\d][^\n\d]{{0,24}}?|[是为為はが은는이가]?\s?)[^\pL\d]?({_AMOUNT})"
        ),
        "supposed": compile_pattern(rf"(?i)(?:^|[^\pL])(?:{words['supposed']})[^\pL]*$"),
        "exercise": compile_pattern(rf"(?i)(?:^|[^\pL])(?:{words['exercise']})"),
        "amount": compile_pattern(rf"(?i)(?:^|[^\d.,/-]|[^\d],)({_AMOUNT})(?:[^\d/-]|$)"),
        "gate": f"(?i)(?:{words['named']}|{words['own']})",
    }


def gates() -> tuple[str, ...]:
    """Patterns (RE2), one of which matches in every text in which `spans` may find something."""
    return (str(_patterns()["gate"]),)


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every amount in UTF-8 that is somebody's pay, debt or tax."""
    patterns = _patterns()
    for match in patterns["own"].finditer(data):
        before = data[max(0, match.start() - 20) : match.start() + 1]
        if not _is_year(match.group(1)) and patterns["supposed"].search(before) is None:
            yield match.span(1)
    if patterns["exercise"].search(data) is not None:
        return
    for word in patterns["named"].finditer(data):
        low, high = max(0, word.start() - REACH), word.end() + REACH
        for amount in patterns["amount"].finditer(data[low:high]):
            start, end = low + amount.start(1), low + amount.end(1)
            first, last = min(start, word.start()), max(end, word.end())
            if not _is_year(amount.group(1)) and _is_named(
                data[max(0, first - PERSON) : last + PERSON]
            ):
                yield start, end


def _is_year(amount: bytes) -> bool:
    return _YEAR.fullmatch(amount.decode()) is not None


def _is_named(around: bytes) -> bool:
    """Whether a first name with a surname stands there, in either order, or a title with a name."""
    for match in _NAME.finditer(around.decode("utf-8", "ignore")):
        one, two = match[1].lower(), match[2].lower()
        if NOT_NAMES.isdisjoint((one, two)) and (_is_first(one) or _is_first(two, sure=True)):
            return True
        if one in TITLES and two not in NOT_NAMES:
            return True
    return False


def _is_first(word: str, *, sure: bool = False) -> bool:
    """Whether it is a first name. `sure`: and no other word."""
    known = first_names().get(unaccented(word)) if len(word) > 2 else None
    return known is not None and (known or not sure)
