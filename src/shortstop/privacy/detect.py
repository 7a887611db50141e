"""Which rules hold in a text: one linear pass over all of them, then only those that may match."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import re2
from msgspec import Struct

from shortstop.privacy import rules, signs
from shortstop.privacy.rules import Rule

PIECE = 16_384
OVERLAP = 1_024
"""Long texts are read in pieces that overlap: the work stays linear."""

_INNER = re.compile(rb"[\x80-\xbf]")
"""Bytes of a character after its first: before a place, there are so many fewer characters."""
BYTES = 512 << 20
"""What the prefilter's automaton may use at most."""


def _idle() -> None:
    """A tick that never raises."""


class Hit(Struct, frozen=True, gc=False):
    """A rule that holds at text[start:end]."""

    rule: Rule
    start: int
    end: int


class Survey(Struct, frozen=True):
    """What one pass over a text told: per piece the rules that may hold, and the signs seen."""

    pieces: tuple[tuple[Rule, ...], ...]
    signs: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.signs) or any(self.pieces)


_NOTHING = Survey(((),), frozenset())


class Detector:
    """A fixed list of rules, compiled once, with the signs (name -> pattern) that the same pass
    shall look for."""

    def __init__(self, rules: Sequence[Rule], signs: Mapping[str, str] | None = None) -> None:
        self._rules = tuple(rules)
        self._signs = tuple(signs or ())
        self._set = self._compile(tuple((signs or {}).values()))
        self._nothing = [len(self._rules) + len(self._signs)]
        self._everything = Survey((self._rules,), frozenset(self._signs))

    def _compile(self, signs: Sequence[str]) -> Any:
        options = re2.Options()
        options.max_mem = BYTES
        options.log_errors = False
        automaton = re2.Set.SearchSet(options)
        for pattern in (*(rules.gate(r.pattern) for r in self._rules), *signs):
            automaton.Add(pattern)
        automaton.Add("")  # always matches: its absence tells that the automaton gave up
        automaton.Compile()
        return automaton

    def _piece(self, data: bytes) -> Survey:
        """Everything, should the automaton fail."""
        found = self._set.Match(data)
        if found == self._nothing:
            return _NOTHING
        if not found or self._nothing[0] not in found:
            return self._everything
        last = len(self._rules)
        return Survey(
            (tuple(self._rules[i] for i in sorted(found) if i < last),),
            frozenset(self._signs[i - last] for i in found if last <= i < self._nothing[0]),
        )

    def survey(self, text: str, tick: Callable[[], None] = _idle) -> Survey:
        """One pass, in pieces that overlap; a sign must be shorter than the overlap."""
        if len(text) <= PIECE:
            return self._piece(text.encode("utf-8", "replace"))
        seen = []
        for at in range(0, len(text), PIECE):
            tick()
            piece = text[max(0, at - OVERLAP) : at + PIECE]
            seen.append(self._piece(piece.encode("utf-8", "replace")))
        return Survey(
            tuple(rules for s in seen for rules in s.pieces),
            frozenset().union(*(s.signs for s in seen)),
        )

    def may_hold(self, text: str) -> bool:
        """False only when no rule can hold anywhere in `text`."""
        return any(self.survey(text).pieces)

    def hits(
        self, text: str, tick: Callable[[], None] = _idle, seen: Survey | None = None
    ) -> list[Hit]:
        """Every confirmed match of every rule. `seen`: the survey of this very text, where there
        is one. `tick` is called between pieces and may raise."""
        found: list[Hit] = []
        for i, candidates in enumerate((seen or self.survey(text, tick)).pieces):
            if candidates:
                tick()
                found += _in_piece(candidates, text, i * PIECE, tick)
        return found


def _in_piece(
    candidates: Sequence[Rule], text: str, offset: int, tick: Callable[[], None]
) -> Iterator[Hit]:
    shift = max(0, offset - OVERLAP)
    piece = text[shift : offset + PIECE]
    data = piece.encode("utf-8", "replace")
    inner = [] if len(data) == len(piece) else [m.start() for m in _INNER.finditer(data)]
    for rule in candidates:
        tick()
        for first, last in rule.spans(data):
            start = first - bisect_left(inner, first) + shift
            end = last - bisect_left(inner, last) + shift
            if shift == 0 or end > offset:
                yield Hit(rule, start, end)


@cache
def standard() -> Detector:
    """All built-in rules and all signs: for the text as it stands and its canonical view."""
    return Detector(rules.builtin(), signs.SIGNS)


@cache
def strict() -> Detector:
    """The rules that are believed in a text that was decoded, joined or turned."""
    return Detector([r for r in rules.builtin() if r.strong])


@cache
def turned() -> Detector:
    """For reversed and rotated text, where a card number would pass one time in ten."""
    return Detector([r for r in rules.builtin() if r.strong and r.check is None])
