"""Which rules hold in a text: one linear pass over all of them, then only those that may match."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import re2

from shortstop.privacy import rules
from shortstop.privacy.rules import Rule

PIECE = 16_384
OVERLAP = 1_024
"""Long texts are read in pieces that overlap: the work stays linear."""

_INNER = re.compile(rb"[\x80-\xbf]")
"""Bytes of a character after its first: before a place, there are so many fewer characters."""
BYTES = 512 << 20
"""What the prefilter's automaton may use at most."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that holds at text[start:end]."""

    rule: Rule
    start: int
    end: int


class Detector:
    """A fixed list of rules, compiled once."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._set = self._compile()

    def _compile(self) -> Any:
        options = re2.Options()
        options.max_mem = BYTES
        options.log_errors = False
        automaton = re2.Set.SearchSet(options)
        for rule in self._rules:
            automaton.Add(rules.gate(rule.pattern))
        automaton.Add("")  # always matches: its absence tells that the automaton gave up
        automaton.Compile()
        return automaton

    def candidates(self, text: str | bytes) -> list[Rule]:
        """Rules that may hold. All of them, should the automaton fail."""
        found = self._set.Match(text)
        last = len(self._rules)
        if not found or last not in found:
            return list(self._rules)
        return [self._rules[i] for i in sorted(found) if i != last]

    def may_hold(self, text: str) -> bool:
        """False only when no rule can hold anywhere in `text`. One pass, in pieces."""
        return any(
            self.candidates(text[max(0, at - OVERLAP) : at + PIECE].encode("utf-8", "replace"))
            for at in range(0, len(text), PIECE)
        )

    def hits(self, text: str, tick: Callable[[], None] = lambda: None) -> list[Hit]:
        """Every confirmed match of every rule. `tick` is called between pieces and may raise."""
        found: list[Hit] = []
        for offset in range(0, max(len(text), 1), PIECE):
            tick()
            shift = max(0, offset - OVERLAP)
            found += _in_piece(self, text[shift : offset + PIECE], shift, offset, tick)
        return found


def _in_piece(
    detector: Detector, piece: str, shift: int, offset: int, tick: Callable[[], None]
) -> Iterator[Hit]:
    data = piece.encode("utf-8", "replace")
    inner = [] if len(data) == len(piece) else [m.start() for m in _INNER.finditer(data)]
    for rule in detector.candidates(data):
        tick()
        for first, last in rule.spans(data):
            start = first - bisect_left(inner, first) + shift
            end = last - bisect_left(inner, last) + shift
            if shift == 0 or end > offset:
                yield Hit(rule, start, end)


@cache
def standard() -> Detector:
    """All built-in rules: for the text as it stands and its canonical view."""
    return Detector(rules.builtin())


@cache
def strict() -> Detector:
    """The rules that are believed in a text that was decoded, joined or turned."""
    return Detector([r for r in rules.builtin() if r.strong])


@cache
def turned() -> Detector:
    """For reversed and rotated text, where a card number would pass one time in ten."""
    return Detector([r for r in rules.builtin() if r.strong and r.check is None])
