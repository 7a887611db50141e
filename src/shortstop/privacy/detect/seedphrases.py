"""Recovery phrases of wallets: twelve or more words of BIP-39 in a row, numbered or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.wordlists import seed_words

SHORTEST = 12
"""Words of the shortest phrase."""
LONGEST = 24
DIFFERENT = 8
"""Words of a phrase that are not the same: they are drawn from 2,048."""
_BETWEEN = r"[\s,;|0-9.):-]{1,6}"
_RUN = compile_pattern(rf"(?:\b[a-z]{{3,8}}\b{_BETWEEN}){{{SHORTEST - 1},}}[a-z]{{3,8}}\b")
_WORD = re.compile(rb"[a-z]+")


SIGN = 8
"""Words of the list in a row that are a sign of a phrase: prose seldom has as many."""


@cache
def gates() -> tuple[str, ...]:
    """Patterns (RE2), one of which matches in every text in which `spans` finds something."""
    word = _either(frozenset(seed_words()))
    return (rf"(?:\b{word}{_BETWEEN}){{{SIGN - 1}}}{word}",)


def _either(words: frozenset[str]) -> str:
    """One pattern for all words, with their beginnings shared."""
    tails: dict[str, set[str]] = {}
    for word in words - {""}:
        tails.setdefault(word[0], set()).add(word[1:])
    ways = [head + _either(frozenset(rest)) for head, rest in sorted(tails.items())]
    if not ways:
        return ""
    return f"(?:{'|'.join(ways)})" + ("?" if "" in words else "")


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every phrase in UTF-8."""
    for run in _RUN.finditer(data):
        words = list(_WORD.finditer(data, *run.span()))
        known = [word.group().decode() in seed_words() for word in words[SHORTEST - 1 :: SHORTEST]]
        if any(known):  # twelve words in a row hold one of those
            yield from _phrases(words)


def _phrases(words: list[re.Match[bytes]]) -> Iterator[tuple[int, int]]:
    listed = seed_words()
    for known, group in groupby(words, lambda word: word.group().decode() in listed):
        phrase = list(group)
        different = len({word.group() for word in phrase[:LONGEST]})
        if known and len(phrase) >= SHORTEST and different >= DIFFERENT:
            yield phrase[0].start(), phrase[-1].end()
