"""A readable name for a task, out of the words that tell it from others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log

MOST_WORDS = 3
MAX_CHARS = 40
_WORD = re.compile(r"[^\W\d_]{3,20}")
_EMPTY = frozenset(
    """the and you your are for with this that from they them their his her its was were will would
    can could should must may not all any each only other than then when where what which who how
    into about been being have has had one two reply answer return respond exactly nothing else
    please user users assistant helpful following given these those our out use text""".split()  # noqa: SIM905
)
"""Words that stand in every instruction."""


def names_for(texts: Mapping[str, str]) -> dict[str, str]:
    """A name for each id, from its text (a system prompt, or requests): the first words that few
    other texts hold, in their order. All different."""
    bags = {id: list(_words(text)) for id, text in texts.items()}
    spread = Counter(word for bag in bags.values() for word in set(bag))
    taken: set[str] = set()
    out = {}
    for id, bag in bags.items():
        name = _name(bag, spread, len(bags)) or id
        if name in taken:
            name = f"{name}-{id[-4:]}"
        taken.add(name)
        out[id] = name
    return out


def telling(texts: Sequence[str], others: Iterable[str]) -> list[str]:
    """The words that most tell these texts from the others, at most MOST_WORDS."""
    here = Counter(word for text in texts for word in set(_words(text)))
    there = Counter(word for text in others for word in set(_words(text)))
    score = {
        w: n * log((1 + n) / (1 + there[w])) for w, n in here.items() if n > 1 or len(here) < 9
    }
    return sorted(score, key=lambda word: (-score[word], word))[:MOST_WORDS]


def _words(text: str) -> Iterable[str]:
    return (word for word in _WORD.findall(text[:2000].lower()) if word not in _EMPTY)


def _name(bag: Sequence[str], spread: Counter[str], tasks: int) -> str:
    rare = {word for word in bag if spread[word] <= max(1, tasks // 4)}
    chosen = list(dict.fromkeys(word for word in bag if word in rare or len(rare) < MOST_WORDS))
    return "-".join(chosen[:MOST_WORDS])[:MAX_CHARS].strip("-")
