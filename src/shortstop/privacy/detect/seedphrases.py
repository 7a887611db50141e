"""Recovery phrases of wallets: twelve or more words of BIP-39 in a row, numbered or not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.wordlists import seed_words

SHORTEST = 12
"""Words of the shortest phrase."""
_BETWEEN = r"[\s,;|0-9.):-]{1,6}"


@cache
def _phrase() -> Any:
    word = f"(?:{'|'.join(sorted(seed_words()))})"
    return compile_pattern(rf"\b(?:{word}{_BETWEEN}){{{SHORTEST - 1},}}{word}\b")


def gate() -> str:
    """A pattern (RE2) that matches in every text in which `spans` finds something."""
    return rf"(?:\b[a-z]{{3,8}}\b{_BETWEEN}){{{SHORTEST - 1}}}[a-z]{{3,8}}"


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every phrase in UTF-8."""
    for phrase in _phrase().finditer(data):
        yield phrase.span()
