"""Which rules match in a text: one linear pass over all of them, then only those that may match."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain

import re2
from msgspec import Struct

from shortstop.privacy.detect import rules, signs
from shortstop.privacy.detect.letters import loosened
from shortstop.privacy.detect.needs import Inventory, Needs, either, inventory, needs
from shortstop.privacy.detect.rules import CONTINUATION, Rule

PIECE = 16_384
"""Characters of a long text that are read at once."""
OVERLAP = 1_024
"""Characters of the piece before that are read again, so that nothing is lost at the seams."""
AUTOMATON_BYTES = 128 << 20
"""The most that an automaton of the prefilter may use: when it is full it starts over."""
LARGE = 4_000
"""Characters from which on a gate is a list of words."""
MANY = 7
"""Digits of a telephone number, and at least as many of what identifies somebody."""


Tick = Callable[[], None]
"""Called between steps of the work; may raise, to stop it."""


def no_tick() -> None:
    """A tick that never raises."""


class Hit(Struct, frozen=True, gc=False):
    """`rule` matches at text[start:end]."""

    rule: Rule
    start: int
    end: int


class Survey(Struct, frozen=True):
    """The result of one pass over a text: the rules that may match in each piece, and the signs
    in the whole. True when there are any."""

    pieces: tuple[tuple[Rule, ...], ...]
    signs: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.signs) or any(self.pieces)


_NOTHING = Survey(((),), frozenset())


class _RuleGate(Struct, frozen=True):
    """A pattern that matches wherever one of what is numbered may, and what a text needs for it."""

    pattern: str
    needs: Needs
    numbers: tuple[int, ...]


class _Automaton:
    """Gates that are looked for in one pass."""

    def __init__(self, gates: Sequence[_RuleGate]) -> None:
        self._gates = gates
        self.needs = either(gate.needs for gate in gates)
        options = re2.Options()
        options.max_mem = AUTOMATON_BYTES
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        for gate in gates:
            self._set.Add(loosened(gate.pattern))
        self._always = self._set.Add("")  # matches every text: its absence means the set gave up
        self._set.Compile()

    def found(self, data: bytes, text: Inventory) -> Iterable[int]:
        """The numbers of what may be in the text: all of them when the set ran out of memory."""
        found = self._set.Match(data)
        if len(found) == 1 and found[0] == self._always:
            return ()
        gave_up = self._always not in found
        matched = self._gates if gave_up else [self._gates[g] for g in found if g != self._always]
        return chain.from_iterable(g.numbers for g in matched if gave_up or g.needs.met_by(text))


class Detector:
    """A fixed list of rules, compiled once, and the signs that the same survey looks for."""

    def __init__(self, rules: Sequence[Rule], signs: Mapping[str, str] | None = None) -> None:
        self._rules, self._signs = tuple(rules), tuple(signs or ())
        groups: dict[object, list[_RuleGate]] = {}
        for gate in _gates(self._rules, (signs or {}).values()):
            groups.setdefault(_group(gate), []).append(gate)
        self._automata = [_Automaton(group) for group in groups.values()]

    def _piece(self, data: bytes) -> Survey:
        text, found = inventory(data), set[int]()
        for automaton in self._automata:
            if automaton.needs.met_by(text):
                found.update(automaton.found(data, text))
        if not found:
            return _NOTHING
        n = len(self._rules)
        return Survey(
            (tuple(self._rules[i] for i in sorted(found) if i < n),),
            frozenset(self._signs[i - n] for i in found if i >= n),
        )

    def survey(self, text: str, tick: Tick = no_tick) -> Survey:
        """One pass, in pieces that overlap. A sign must be shorter than the overlap."""
        if len(text) <= PIECE:
            return self._piece(text.encode("utf-8", "replace"))
        surveys = []
        for start in range(0, len(text), PIECE):
            tick()
            piece = text[max(0, start - OVERLAP) : start + PIECE]
            surveys.append(self._piece(piece.encode("utf-8", "replace")))
        return Survey(
            tuple(rules for s in surveys for rules in s.pieces),
            frozenset().union(*(s.signs for s in surveys)),
        )

    def may_match(self, text: str) -> bool:
        """False only when no rule can match anywhere in `text`."""
        return any(self.survey(text).pieces)

    def hits(self, text: str, tick: Tick = no_tick, survey: Survey | None = None) -> list[Hit]:
        """Every confirmed match of every rule. `survey` is this text's, where there is one."""
        hits: list[Hit] = []
        for i, candidates in enumerate((survey or self.survey(text, tick)).pieces):
            if candidates:
                tick()
                hits += _in_piece(candidates, text, i * PIECE, tick)
        return hits


def _gates(rules: Sequence[Rule], signs: Iterable[str]) -> Iterator[_RuleGate]:
    """One for each pattern, with the numbers of all rules that it is a gate of; then the signs."""
    shared: dict[str, list[int]] = {}
    for number, rule in enumerate(rules):
        for gate in rule.gates:
            shared.setdefault(gate, []).append(number)
    for gate, numbers in shared.items():
        yield _RuleGate(gate, either(rules[n].needs(gate) for n in numbers), tuple(numbers))
    for number, pattern in enumerate(signs, len(rules)):
        yield _RuleGate(pattern, needs(pattern), (number,))


def _group(gate: _RuleGate) -> object:
    """Gates of one group share an automaton. In a single one the states of all multiply, and it
    makes them when a text first needs them: what several rules share has its own, lists of words go
    together, and all others by what they need, so that most are not asked about most texts."""
    if len(gate.numbers) > 1:
        return gate.pattern
    if len(gate.pattern) > LARGE:
        return "words"
    if gate.needs.run:
        return "run"
    if gate.needs.digits:
        return "many digits" if gate.needs.digits >= MANY else "digits"
    return "others" if gate.needs.signs is None else "signs"


def _in_piece(candidates: Sequence[Rule], text: str, offset: int, tick: Tick) -> Iterator[Hit]:
    """Hits that end in the piece at `offset`: one that lies in the overlap was found before."""
    shift = max(0, offset - OVERLAP)
    piece = text[shift : offset + PIECE]
    data = piece.encode("utf-8", "replace")
    inner = [] if len(data) == len(piece) else [m.start() for m in CONTINUATION.finditer(data)]
    for rule in candidates:
        tick()
        for first, last in rule.spans(data):
            start = first - bisect_left(inner, first) + shift
            end = last - bisect_left(inner, last) + shift
            if shift == 0 or end > offset:
                yield Hit(rule, start, end)


@cache
def standard_detector() -> Detector:
    """All built-in rules and all signs: for a text as it is and for its canonical view."""
    return Detector(rules.builtin(), signs.SIGNS)


@cache
def strict_detector() -> Detector:
    """The rules that are believed in a text that was decoded, joined or turned."""
    return Detector([r for r in rules.builtin() if r.strong])


@cache
def spoken_detector() -> Detector:
    """For numbers that were spelled out: telephones are told as often as anything."""
    told = ("phone-in-context", "phone-possessive")
    return Detector([r for r in rules.builtin() if r.strong or r.id in told])


@cache
def turned_detector() -> Detector:
    """For reversed and rotated text, where a card number would pass one time in ten."""
    return Detector([r for r in rules.builtin() if r.strong and r.check is None])
