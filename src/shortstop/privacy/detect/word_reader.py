"""A passage as readers of context see it: its words, their parts and neighbours, their weight."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache

from shortstop.privacy.detect.linear import linear_model
from shortstop.privacy.names.people import NOT_NAMES, first_names, unaccented

NAMED = "<n>"
"""What stands for a first name."""
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class WordReader:
    """Reads by the linear model `name`; `digits` says what stands for a number. What it adds is
    remembered for the last 32,768 words, and as many other features."""

    def __init__(self, name: str, digits: Callable[[str], str]) -> None:
        self._name = name
        self._digits = digits
        self._weight = lru_cache(1 << 15)(self._weight_of)
        self._of_word = lru_cache(1 << 15)(self._sum_of)

    def words(self, passage: str) -> list[str]:
        """In small letters; numbers as `digits` has them, first names as one word."""
        return [
            self._digits(word)
            if word[0].isdigit()
            else NAMED
            if word[0].isupper() and is_name(word.lower())
            else word.lower()
            for word in _TOKEN.findall(passage)
        ]

    def score(self, words: list[str], looks: Collection[str]) -> float:
        """Log-odds, from a passage's words and how it `looks`."""
        units, count = 0, 0
        for word in dict.fromkeys(words):
            added, features = self._of_word(word)
            units, count = units + added, count + features
        together = [*_pairs(words), *looks]
        total = units + sum(map(self._weight, together))
        return linear_model(self._name).score(total, count + len(together))

    def _weight_of(self, feature: str) -> int:
        return linear_model(self._name).sum_of((feature,))

    def _sum_of(self, word: str) -> tuple[int, int]:
        parts = _parts(word)
        return linear_model(self._name).sum_of(parts), len(parts)


def features_of(words: list[str], looks: Collection[str]) -> list[str]:
    """All of a passage, by name."""
    parts = [part for word in dict.fromkeys(words) for part in _parts(word)]
    return [*parts, *_pairs(words), *looks]


@lru_cache(1 << 12)
def is_name(word: str) -> bool:
    """Whether a word in small letters is a first name."""
    return len(word) > 2 and word not in NOT_NAMES and bool(first_names().get(unaccented(word)))


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
