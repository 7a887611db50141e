# ruff: noqa: E501 - patterns are read whole
"""What all words of a passage together say of whether a number or an amount in it is somebody's.

Where `named` asks for a listed word beside a number, this looks at every word, at its parts and at
neighbours: "Matrikelnummer 2015596, Leonie Brandt", "is on 62k", "voter registration no.".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from shortstop.privacy.detect.business import speaks_of_people
from shortstop.privacy.detect.health_context import NAMED, is_name, passages
from shortstop.privacy.detect.linear import linear_model
from shortstop.privacy.detect.named import is_of_goods
from shortstop.privacy.detect.somebody import spoken_of

NAME = "person_context"
MOST = 12
"""Passages of a text that are read at most."""
UNNAMED = 1.0
"""Log-odds that are asked for in addition where nobody is named."""
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
VALUE = re.compile(
    r"(?<![\w.,/-])(?:[^\W\d_]{1,5}[ -]?)?\d(?:[ .,'’/-]{0,2}[A-Z]{0,3}\d){3,20}[A-Za-z]{0,3}(?![\w/])"
    r"|(?<![\w.,])\d{2,3}(?:[.,]\d)? ?[kK]\b|[^\W\d_]{1,2}[ -]?\d{2,4}[ -]?[A-Z]{2,3}\b"
    r"|\d[.,]?\d* ?[万萬만]"
)
"""A number of four digits or more, in groups or with letters, or an amount of thousands."""


def by_context(text: str) -> tuple[int, int] | None:
    """(start, end) of the number in the first passage that holds one of somebody's; None when
    there is none. Where nobody is named more is asked for, and where nobody is spoken of nothing
    is believed; no more is a number behind a word for goods or papers."""
    model, read = linear_model(NAME), 0
    for start, end in passages(text):
        values = [m for m in VALUE.finditer(text, start, end) if not is_of_goods(text, m.start())]
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


def _digits(match: re.Match[str]) -> int:
    return sum(map(str.isdigit, match.group()))


def score(passage: str) -> float:
    """Log-odds that a passage holds a number or an amount of somebody's."""
    model = linear_model(NAME)
    words = _words(passage)
    units, count = 0, 0
    for word in dict.fromkeys(words):
        added, features = _of_word(word)
        units, count = units + added, count + features
    together = [*_pairs(words), *_looks(passage, words)]
    return model.score(units + sum(map(_weight, together)), count + len(together))


def features(passage: str) -> list[str]:
    """All of a passage, by name."""
    words = _words(passage)
    parts = [part for word in dict.fromkeys(words) for part in _parts(word)]
    return [*parts, *_pairs(words), *_looks(passage, words)]


@lru_cache(1 << 15)
def _weight(feature: str) -> int:
    return linear_model(NAME).sum_of((feature,))


@lru_cache(1 << 15)
def _of_word(word: str) -> tuple[int, int]:
    parts = _parts(word)
    return linear_model(NAME).sum_of(parts), len(parts)


def _words(passage: str) -> list[str]:
    """In small letters; numbers by their length, first names as one word."""
    return [
        f"#{min(len(word), 20)}"
        if word[0].isdigit()
        else NAMED
        if word[0].isupper() and is_name(word.lower())
        else word.lower()
        for word in _TOKEN.findall(passage)
    ]


def _parts(word: str) -> list[str]:
    """A word, and runs of its letters."""
    parts = [f"w={word}"]
    if _UNSPACED.search(word):
        parts += {f"c={word[i : i + n]}" for n in (1, 2, 3) for i in range(len(word) - n + 1)}
    elif len(word) > 3 and word[0].isalpha():
        edged = f"<{word}>"
        parts += {f"g={edged[i : i + n]}" for n in (4, 5, 6) for i in range(len(edged) - n + 1)}
    return parts


def _pairs(words: list[str]) -> dict[str, None]:
    """Neighbours, and words with one between them."""
    pairs = dict.fromkeys(f"2={a} {b}" for a, b in zip(["^", *words], words, strict=False))
    pairs |= dict.fromkeys(f"s={a} _ {b}" for a, b in zip(words, words[2:], strict=False))
    return pairs


_CAPITALS = re.compile(r"\b[A-Z]{2,5}\b")
_FULL = re.compile(r"([^\W\d_a-z][^\W\d_]+)[ ,.]{1,2}([^\W\d_a-z][^\W\d_]+)")


def _looks(passage: str, words: list[str]) -> Iterator[str]:
    """Whether somebody is named in full, how long the numbers are, and how long it is."""
    yield f"caps={min(3, len(_CAPITALS.findall(passage)))}"
    yield f"len={min(8, len(words) // 8)}"
    yield f"names={min(2, words.count(NAMED))}"
    full = any(is_name(a.lower()) or is_name(b.lower()) for a, b in _FULL.findall(passage))
    yield f"full={full}"
    longest = max(map(_digits, VALUE.finditer(passage)), default=0)
    yield f"digits={longest}"
    yield f"digits={longest} full={full}"
