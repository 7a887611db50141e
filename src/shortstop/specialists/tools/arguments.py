"""From the places of arguments to the arguments of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from msgspec import Struct

from shortstop.specialists.copy.forms import loose
from shortstop.specialists.copy.tokens import Token, tokens
from shortstop.specialists.novelty import Slot
from shortstop.specialists.tools.readings import READINGS

COUNTED = ("number", "digits")
GROWTH = 3
"""Tokens by which a place may grow."""
WIDEST = 6
"""Tokens of a phrase, a number, a day or a time."""


class Argument(Struct, frozen=True):
    """How one argument is read.

    "copied": of the span, by the first of `readings` (`readings.READINGS`) that applies; "phrase":
    one of the values that `phrases` have by their words; "constant": always `value`, never read.
    `many`: a list, of a value for each place. `known` are the spellings met (`loose`) where they
    recur, else empty: a value that is not among them is a new one.
    """

    label: str
    how: Literal["copied", "phrase", "constant"]
    readings: tuple[str, ...] = ()
    phrases: Mapping[str, Any] = {}
    value: Any = None
    many: bool = False
    known: frozenset[str] = frozenset()

    @property
    def measured(self) -> bool:
        """Numbers, days and times: what is one of them can be told by its looks."""
        return bool(self.readings) and not any(n.startswith("text") for n in self.readings)

    def read(self, span: str, today: date | None) -> Any:
        """None where the span is no value."""
        if self.how == "phrase":
            return self.phrases.get(phrase_key(span))
        for name in self.readings:
            value = READINGS[name](span, today)
            if value is not None:
                return value
        return None


class Filled(Struct, frozen=True):
    """The arguments of a call; `new`: one of them has a value that was never met, though its
    values recur."""

    arguments: dict[str, Any]
    new: bool


def phrase_key(span: str) -> str:
    return " ".join(span.lower().split())


def filled(
    arguments: Mapping[str, Argument], text: str, slots: Sequence[Slot], today: date | None
) -> Filled | None:
    """None where a place cannot be read, two contradict each other, one belongs to no argument, or
    an argument was overlooked: something like its values stands in the text, and it has none."""
    found = tokens(text)
    by_label: dict[str, list[Slot]] = {}
    free = _free(found, slots)
    for slot in slots:
        by_label.setdefault(slot.name, []).append(slot)
    if by_label.keys() - {argument.label for argument in arguments.values()}:
        return None
    out: dict[str, Any] = {}
    new = False
    for name, argument in arguments.items():
        if argument.how == "constant":
            out[name] = argument.value
            continue
        spans = [
            _whole(argument, text, found, slot, free, today)
            for slot in by_label.get(argument.label, [])
        ]
        values = [argument.read(span, today) for span in spans]
        if any(value is None for value in values):
            return None
        if not argument.many and any(value != values[0] for value in values):
            return None
        if values:
            out[name] = values if argument.many else values[0]
        elif _overlooked(argument, text, found, free, today):
            return None
        if argument.known:
            new |= any(loose(span)[0] not in argument.known for span in spans)
    return Filled(out, new)


def _free(found: Sequence[Token], slots: Sequence[Slot]) -> list[bool]:
    """Whether each token is part of no place."""
    return [not any(s.start <= t.start < s.end for s in slots) for t in found]


def _whole(
    argument: Argument,
    text: str,
    found: Sequence[Token],
    slot: Slot,
    free: Sequence[bool],
    today: date | None,
) -> str:
    """The place, grown to the right as long as free words belong to the same number, day or time:
    the "pm" behind a time."""
    end = slot.end
    if not argument.measured:
        return text[slot.start : end]
    after = [i for i, token in enumerate(found) if token.start >= slot.end][:GROWTH]
    for i in after:
        if not free[i]:
            break
        if argument.read(text[slot.start : found[i].end], today) is not None:
            end = found[i].end
    return text[slot.start : end]


def _overlooked(
    argument: Argument,
    text: str,
    found: Sequence[Token],
    free: Sequence[bool],
    today: date | None,
) -> bool:
    """Numbers count where they are part of no other argument, everything else anywhere."""
    if argument.how == "copied" and not argument.measured:
        return False
    anywhere = argument.how == "phrase" or not any(n in COUNTED for n in argument.readings)
    for i in range(len(found)):
        for j in range(i, min(i + WIDEST, len(found))):
            if not anywhere and not free[j]:
                break
            if argument.read(text[found[i].start : found[j].end], today) is not None:
                return True
    return False
