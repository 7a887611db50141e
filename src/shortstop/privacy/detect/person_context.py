# ruff: noqa: E501 - patterns are read whole
"""What all words of a passage together say of whether a number or an amount in it is somebody's.

Where `named` asks for a listed word beside a number, this looks at every word, at its parts and at
neighbours: "Matrikelnummer 2015596, Leonie Brandt", "is on 62k", "voter registration no.".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from shortstop.privacy.detect.business import speaks_of_people
from shortstop.privacy.detect.health_context import passages
from shortstop.privacy.detect.linear import linear_model
from shortstop.privacy.detect.named import is_of_goods
from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.somebody import spoken_of
from shortstop.privacy.detect.word_reader import NAMED, WordReader, features_of, is_name

NAME = "person_context"


def _figure(digits: str) -> str:
    """What stands for a number: a year, or how long it is."""
    year = len(digits) == 4 and "1000" <= digits < "2100"
    return "#year" if year else f"#{min(len(digits), 20)}"


READER = WordReader(NAME, _figure)
MOST = 12
"""Passages of a text that are read at most."""
UNNAMED = 1.0
"""Log-odds that are asked for in addition where nobody is named."""
VALUE = re.compile(
    r"(?<![\w.,/-])(?:[^\W\d_]{1,5}[ -]?)?\d(?:[ .,'’/-]{0,2}[A-Z]{0,3}\d){3,20}[A-Za-z]{0,3}(?![\w/])"
    r"|(?<![\w.,])\d{2,3}(?:[.,]\d)? ?[kK]\b|[^\W\d_]{1,2}[ -]?\d{2,4}[ -]?[A-Z]{2,3}\b"
    r"|\d[.,]?\d* ?[万萬만]"
)
"""A number of four digits or more, in groups or with letters, or an amount of thousands."""
_MAY_HOLD = compile_pattern(
    r"\p{Nd}(?:[ .,'’/-]{0,2}[A-Z]{0,3}\p{Nd}){3}|\p{Nd}{2}(?:[.,]\p{Nd})? ?[kK]"
    r"|\p{Nd}{2}[ -]?[A-Z]{2}|\p{Nd}[.,]?\p{Nd}* ?[万萬만]"
)
"""In RE2, which tells in a hundredth of the time that a text holds none: it is in every value."""
BEFORE_DIGIT = 6
"""Characters of a value before its first digit, at most."""
_DIGIT = re.compile(r"\d")


def by_context(text: str) -> tuple[int, int] | None:
    """(start, end) of the number in the first passage that holds one of somebody's; None when
    there is none. Where nobody is named more is asked for, and where nobody is spoken of nothing
    is believed; no more is a number behind a word for goods or papers."""
    if _MAY_HOLD.search(text.encode("utf-8", "replace")) is None:
        return None
    if all(is_of_goods(text, value.start()) for value in values_in(text, 0, len(text))):
        return None
    model, read = linear_model(NAME), 0
    for start, end in passages(text):
        if _DIGIT.search(text, start) is None:
            break
        values = [m for m in values_in(text, start, end) if not is_of_goods(text, m.start())]
        if not values:
            continue
        passage = text[start:end]
        named = spoken_of(passage)
        if (named or speaks_of_people(passage)) and (
            score(passage) >= model.threshold + (0 if named else UNNAMED)
        ):
            return max(values, key=_digits).span()
        if (read := read + 1) == MOST:
            break
    return None


def values_in(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """The matches of `VALUE` in [start, end). It is slow where there is no digit near."""
    while (digit := _DIGIT.search(text, start, end)) is not None:
        value = VALUE.search(text, max(start, digit.start() - BEFORE_DIGIT), end)
        if value is None:
            return
        yield value
        start = value.end()


def _digits(match: re.Match[str]) -> int:
    return sum(map(str.isdigit, match.group()))


def score(passage: str) -> float:
    """Log-odds that a passage holds a number or an amount of somebody's."""
    words = READER.words(passage)
    return READER.score(words, list(_looks(passage, words)))


def features(passage: str) -> list[str]:
    """All of a passage, by name."""
    words = READER.words(passage)
    return features_of(words, list(_looks(passage, words)))


_CAPITALS = re.compile(r"\b[A-Z]{2,5}\b")
_FULL = re.compile(r"([^\W\d_a-z][^\W\d_]+)[ ,.]{1,2}([^\W\d_a-z][^\W\d_]+)")


def _looks(passage: str, words: list[str]) -> Iterator[str]:
    """Whether somebody is named in full, how long the numbers are, and how long it is."""
    yield f"caps={min(3, len(_CAPITALS.findall(passage)))}"
    yield f"len={min(8, len(words) // 8)}"
    yield f"names={min(2, words.count(NAMED))}"
    full = any(is_name(a.lower()) or is_name(b.lower()) for a, b in _FULL.findall(passage))
    yield f"full={full}"
    longest = max(map(_digits, values_in(passage, 0, len(passage))), default=0)
    yield f"digits={longest}"
    yield f"digits={longest} full={full}"
