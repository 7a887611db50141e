"""What a value and the words around it say of whether it is a secret, without lists of words.

Where `weigh` asks whether a known cue is near, this looks at every word: which words people put
around passwords and keys, in which order, and how values that they choose or draw are built.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from functools import lru_cache

from msgspec import Struct

from shortstop.privacy.detect.candidates import Suspect
from shortstop.privacy.detect.linear import linear_model
from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.secrets import entropy
from shortstop.privacy.detect.weigh import model as weighing
from shortstop.privacy.detect.weigh import surprise

NAME = "secret_context"
NEAR, WIDE = 90, 160
"""Characters on each side whose order counts, and whose words count."""
BEFORE, BEHIND = 10, 8
"""Words on each side whose order counts, at most."""
SHAPED = compile_pattern(
    r"[A-Za-z][!-~]{5,}[0-9]|[0-9][!-~]{5,}[A-Za-z]|[A-Za-z]{4,}[0-9]{2}"
    r"|[A-Za-z0-9][!-~]{3,}[0-9][!?*+#%&$@]"
)
"""A string that may be a secret although nothing announces it."""
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_SYNTAX = re.compile(r"[(){}\[\]<>=;:\"\\/|]")
_CAPITALS = re.compile(r"[A-Z\u00c0-\u00de]")
_SMALL = re.compile(r"[a-z\u00df-\u024f]")
_SIGN = re.compile(r"[^Aa0]")
_AGAIN = re.compile(r"(.)\1+")
_NAMES_BEFORE, _NAMES_BEHIND = ("wb=%s", "pb=%.4s", "pb5=%.5s"), ("wa=%s", "pa=%.4s")
_NAMES_WIDE = ("w=%s", "p=%.5s")
"""Of features that a word is: whole, and by its beginning."""


class WordedText:
    """The words of a text, told apart once for all values in it."""

    def __init__(self, text: str) -> None:
        low = text.lower()
        if len(low) != len(text):  # places must stay
            low = "".join(c if len(c.lower()) > 1 else c.lower() for c in text)
        self._low = low
        self._words = _WordPlaces(_WORD.finditer(self._low))
        self._signs = [match.start() for match in _SYNTAX.finditer(self._low)]

    def around(self, start: int, end: int) -> _Around:
        """What stands around text[start:end]."""
        words = self._words
        low, high = max(0, start - WIDE), min(end + WIDE, len(self._low))
        signs = bisect_left(self._signs, high) - bisect_left(self._signs, low)
        return _Around(
            words.within(max(0, start - NEAR), start)[-BEFORE:],
            words.within(end, end + NEAR)[:BEHIND],
            {word for word in words.within(low, high) if len(word) > 2 and word[0].isalpha()},
            min(6, signs * 40 // max(1, high - low)),
        )


class _WordPlaces:
    """Words by place."""

    def __init__(self, matches: Iterable[re.Match[str]]) -> None:
        self._words, self._starts, self._ends = list[str](), list[int](), list[int]()
        for match in matches:
            self._words.append(match.group())
            self._starts.append(match.start())
            self._ends.append(match.end())

    def within(self, low: int, high: int) -> list[str]:
        """The words in [low, high), those at its edges cut."""
        first, behind = bisect_right(self._ends, low), bisect_left(self._starts, high)
        found = self._words[first:behind]
        if found and (over := self._ends[behind - 1] - high) > 0:
            found[-1] = found[-1][:-over]
        if found and (over := low - self._starts[first]) > 0:
            found[0] = found[0][over:]
        return found


class _Around(Struct, frozen=True, gc=False):
    """Words next to a value in their order, words further off without, and how much like code it
    looks there, 0 to 6."""

    before: list[str]
    behind: list[str]
    wide: set[str]
    syntax: int


def score(worded: WordedText, suspect: Suspect) -> float:
    """Log-odds that a candidate of a text is a secret: of `features`, with what is summed before
    remembered by value and by word."""
    around = worded.around(suspect.start, suspect.end)
    units, count = _made(suspect.value, suspect.form)
    beside = _beside(around, suspect.form)
    units, count = units + sum(map(_weight, beside)), count + len(beside)
    for words, names in _of_words(around):
        for word in words:
            units += _word_weight(names, word)
        count += len(words) * len(names)
    return linear_model(NAME).score(units, count)


def features(worded: WordedText, suspect: Suspect) -> list[str]:
    """All of one candidate, by name."""
    around = worded.around(suspect.start, suspect.end)
    found = [*_make(suspect.value, suspect.form), *_beside(around, suspect.form)]
    for words, names in _of_words(around):
        found += [name % word for word in words for name in names]
    return found


def believes(worded: WordedText, suspect: Suspect) -> bool:
    """Whether a candidate is taken for a secret."""
    return score(worded, suspect) >= linear_model(NAME).threshold


def _of_words(around: _Around) -> tuple[tuple[Collection[str], tuple[str, ...]], ...]:
    """Words that are features one by one, with the forms of their names."""
    return (
        ({word for word in around.before if word[0].isalpha()}, _NAMES_BEFORE),
        ({word for word in around.behind if word[0].isalpha()}, _NAMES_BEHIND),
        (around.wide, _NAMES_WIDE),
    )


def _beside(around: _Around, form: str) -> tuple[str, ...]:
    """The words next to it, in their order."""
    before, behind = around.before, around.behind
    last = "".join(before[-1:])
    return (
        f"B1={last}",
        f"B2={' '.join(before[-2:])}",
        f"B3={' '.join(before[-3:])}",
        f"B1c={last}{form}",
        f"A1={''.join(behind[:1])}",
        f"A2={' '.join(behind[:2])}",
        f"syn={around.syntax}",
        f"syn&F={around.syntax}{form}",
    )


@lru_cache(1 << 14)
def _weight(feature: str) -> int:
    return linear_model(NAME).sum_of((feature,))


@lru_cache(1 << 14)
def _word_weight(names: tuple[str, ...], word: str) -> int:
    return linear_model(NAME).sum_of([name % word for name in names])


@lru_cache(1 << 10)
def _made(value: str, form: str) -> tuple[int, int]:
    """What its make adds, and of how many features."""
    found = _make(value, form)
    return linear_model(NAME).sum_of(found), len(found)


def _make(value: str, form: str) -> tuple[str, ...]:
    """How it is built."""
    small = _SMALL.sub("a", _CAPITALS.sub("A", value))
    shape = _AGAIN.sub(r"\1", _SIGN.sub("#", re.sub(r"\d", "0", small)))
    edged = f"^{shape}$"
    signs = {c for c in value if not c.isalnum()}
    count = min(4, sum(not c.isalnum() for c in value))
    pairs = weighing().letter_pairs
    return (
        "b",
        f"F={form}",
        f"K={shape[:10]}",
        f"n={min(30, len(value))}",
        f"kinds={len(set(shape))}",
        *sorted({f"k3={edged[i : i + 3]}" for i in range(len(edged) - 2)}),
        *sorted(f"sg={c}" for c in signs),
        f"nsg={count}",
        f"sp={int(surprise(value, pairs) * 1.5)}",
        f"en={int(entropy(value) * 2)}",
        f"F&n={form}{min(10, len(value) // 4)}",
    )
