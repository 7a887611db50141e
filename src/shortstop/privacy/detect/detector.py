"""Which rules hold in a text: one linear pass over all of them, then only those that may match."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

import re2
from msgspec import Struct

from shortstop.privacy.detect import rules, signs
from shortstop.privacy.detect.rules import Rule

PIECE = 16_384
OVERLAP = 1_024
"""Long texts are read in pieces that overlap: the work stays linear."""

_INNER = re.compile(rb"[\x80-\xbf]")
"""Bytes of a character after its first: before a place, there are so many fewer characters."""
BYTES = 128 << 20
"""What an automaton of the prefilter may use at most: when it is full it begins anew."""
TOGETHER = (
    frozenset(["finance", "government", "vendors"]),
    frozenset(["markers", "health", "secrets"]),
    frozenset(["identity"]),
)
"""Books whose rules share an automaton; what is left goes with the signs. In one automaton the
states of all multiply: a text that it has not seen before took six times as long as in four."""


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


class _Automaton:
    """Some rules and some signs (name -> pattern), looked for in one pass."""

    def __init__(self, rules: Sequence[Rule], signs: Mapping[str, str]) -> None:
        self.rules, self.signs = tuple(rules), tuple(signs)
        options = re2.Options()
        options.max_mem = BYTES
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        for pattern in (*(r.gate for r in rules), *signs.values()):
            self._set.Add(pattern)
        self._last = self._set.Add("")  # always matches: its absence tells that the set gave up
        self._set.Compile()

    def seen(self, data: bytes) -> list[int] | None:
        """The numbers of the rules, and after them of the signs. None: all of them."""
        found = self._set.Match(data)
        if not found or self._last not in found:
            return None
        return found if len(found) > 1 else []


class Detector:
    """A fixed list of rules, compiled once, with the signs that the same passes shall look for."""

    def __init__(self, rules: Sequence[Rule], signs: Mapping[str, str] | None = None) -> None:
        parts = [([r for r in rules if r.book in books], dict[str, str]()) for books in TOGETHER]
        parts.append(
            ([r for r in rules if not any(r.book in b for b in TOGETHER)], dict(signs or {}))
        )
        self._parts = [_Automaton(*part) for part in parts if any(part)]

    def _piece(self, data: bytes) -> Survey:
        rules: list[Rule] = []
        signs: list[str] = []
        for part in self._parts:
            found = part.seen(data)
            if found is None:
                rules += part.rules
                signs += part.signs
            elif found:
                n, m = len(part.rules), len(part.rules) + len(part.signs)
                rules += [part.rules[i] for i in sorted(found) if i < n]
                signs += [part.signs[i - n] for i in found if n <= i < m]
        return Survey((tuple(rules),), frozenset(signs)) if rules or signs else _NOTHING

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
