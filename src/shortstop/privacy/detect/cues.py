"""Cues: words that say that a secret is near, or that what is near is none.

The words are data (`data/secret_words.toml`), by what they announce.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import re2
from msgspec import Struct

from shortstop.privacy.detect.letters import bare, bare_bytes, tight
from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.wordlists import secret_words as words

REACH = 160
"""How far from a cue a value may stand, in characters: a sentence or two."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[.!?。！？](?=\s|$|[^\x00-\x7f])|[\n\x1f]")
_BREAKS = frozenset(".!?。！？\n\x1f")
WORD, BREAK = 0.25, 0.7
"""What a word between a cue and a value, and the end of a sentence or line, put between them."""
_EAST = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")


class Cue(Struct, frozen=True, gc=False):
    """A word of class `kind` at text[start:end]."""

    start: int
    end: int
    kind: str


def _pattern(word: str, *, whole: bool = True) -> str:
    """A word of the lists as RE2: spaces are optional signs, stars are letters. If not `whole`,
    those at its ends are left out: what holds is the same, and only where is not."""
    body = re.escape(word.strip("*")).replace("\\ ", "[ _.-]?").replace("\\'", "['’]?")
    if word.startswith("*") and word[1:2].isupper():
        return rf"(?-i:[a-z0-9]{body}s?(?:[^a-z]|$))"
    before = r"[\pL\pN]*" * whole if word.startswith("*") else _edge(word[0])
    after = r"\pL*" * whole if word.endswith("*") else _edge(word[-1])
    return before + body + after


def _edge(char: str) -> str:
    return r"(?:\b|_)" if char.isascii() and char.isalnum() else ""


def _kinds() -> Mapping[str, Sequence[str]]:
    """The words of each class."""
    return {**words()["for"], **words()["against"]}


@cache
def _pattern_of(kind: str) -> Any:
    """The pattern of a class for a bare text, compiled when a text first has one of its words."""
    ways = sorted(map(_pattern, _kinds()[kind]), key=len, reverse=True)
    return compile_pattern(tight("(?i)" + "|".join(ways)))


def _any_of(words: Iterable[str]) -> str:
    """A pattern (RE2) that matches in every text in which a word stands, if not all of it."""
    return "(?i)" + "|".join(sorted({_pattern(word, whole=False) for word in words}))


@cache
def gate() -> str:
    """A pattern (RE2) that matches in every text in which a cue for a secret stands."""
    return _any_of(chain.from_iterable(words()["for"].values()))


@cache
def _present() -> tuple[Any, tuple[str, ...]]:
    """A set that tells in one pass of which classes there are cues at all."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    options.encoding = re2.Options.Encoding.UTF8
    together = re2.Set.SearchSet(options)
    for listed in _kinds().values():
        together.Add(_any_of(listed))
    together.Compile()
    return together, tuple(_kinds())


def classes(text: bytes) -> list[str]:
    """The classes of which there is a cue in UTF-8."""
    together, kinds = _present()
    return [kinds[i] for i in together.Match(text) or ()]


def announced(data: bytes) -> list[tuple[int, int]]:
    """[start, end) in bytes of every cue for a secret, by place."""
    wanted = words()["for"]
    where = bare_bytes(data)
    return sorted(
        match.span()
        for kind in classes(data)
        if kind in wanted
        for match in _pattern_of(kind).finditer(where)
    )


def cues(text: str, present: Sequence[str] | None = None) -> list[Cue]:
    """Every cue, by place. Of two that overlap the longer one counts: a public key is no key.
    `present` are the text's classes, where they are known."""
    data = text.encode()
    where = data if len(data) == len(text) else bare(text)  # offsets in bytes are cheaper
    found = [
        Cue(match.start(), match.end(), kind)
        for kind in (classes(data) if present is None else present)
        for match in _pattern_of(kind).finditer(where)
    ]
    if len(found) > 1:
        found.sort(key=lambda cue: (cue.start, -cue.end))
    return list(_longest(found))


def _longest(found: Sequence[Cue]) -> Iterator[Cue]:
    kept: Cue | None = None
    for cue in found:
        if kept is None or cue.start >= kept.end:
            if kept is not None and kept.kind != "nothing":
                yield kept
            kept = cue
        elif cue.end - cue.start > kept.end - kept.start:
            kept = cue
    if kept is not None and kept.kind != "nothing":
        yield kept


class Surroundings:
    """The cues of a text, and how much of other words lies between any two places."""

    def __init__(self, text: str, present: Sequence[str] | None = None) -> None:
        self.text = text
        self.cues = cues(text, present)
        self._starts = [cue.start for cue in self.cues]
        lower = text.lower()
        self._lower = lower if len(lower) == len(text) else text

    def near(self, start: int, end: int, kinds: Container[str]) -> dict[str, tuple[float, bool]]:
        """By class: how near (1 touches, 0 is out of reach) its nearest cue is to the value at
        text[start:end], and whether it stands before the value."""
        nearest: dict[str, tuple[float, bool]] = {}
        middle = bisect_left(self._starts, end)
        for i in range(middle - 1, max(-1, middle - 12), -1):
            cue = self.cues[i]
            within = start - REACH < cue.end <= start + 1
            if within and cue.kind in kinds and cue.kind not in nearest:
                nearest[cue.kind] = (self._nearness(cue.end, start, i + 1, middle), True)
        seen = set[str]()
        for i in range(middle, min(len(self.cues), middle + 8)):
            cue = self.cues[i]
            if cue.kind in kinds and cue.kind not in seen and cue.start < end + REACH:
                seen.add(cue.kind)
                x = self._nearness(end, cue.start, middle, i)
                if x > nearest.get(cue.kind, (0, True))[0]:
                    nearest[cue.kind] = (x, False)
        return nearest

    def _nearness(self, start: int, end: int, first: int, last: int) -> float:
        """What lies in text[start:end] takes nearness away, except for words that say nothing by
        themselves and for other cues (those from `first` to `last`)."""
        words = _WORD.findall(self._lower, start, end)
        if not words:
            return 1.0
        broken = [word in _BREAKS for word in words]
        breaks = sum(b and not (i and broken[i - 1]) for i, b in enumerate(broken))
        free = sum(broken) + sum(map(_joins().__contains__, words))
        free += sum(len(self.text[c.start : c.end].split()) for c in self.cues[first:last])
        count = float(max(0, len(words) - free))
        if not self.text.isascii():
            count += sum(
                len(w) / 2 - 1 for w in words if len(w) > 2 and _EAST.match(w) and w not in _joins()
            )
        return 1 / (1 + WORD * count + BREAK * breaks)


@cache
def _joins() -> frozenset[str]:
    return frozenset(words()["joins"]["words"])
