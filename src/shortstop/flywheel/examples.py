"""Recorded requests and answers as examples to learn from, and why the others are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from shortstop.errors import ShortstopError
from shortstop.specialists.invocation import Invocation, called, spelled
from shortstop.specialists.query import Query, query_of
from shortstop.types import Choice, Grade, Json, Reach, Request, Text, Tier, ToolCall, Trace

LeftOut = Literal[
    "unanswered",
    "no-content",
    "pinned",
    "teacher-not-allowed",
    "not-text",
    "unreadable",
    "no-task",
]
"""Why a row is no example: nothing was answered; its content is not kept; privacy pinned it; its
answer is a model's whose operator did not allow learning from it; it holds more than text, or its
answer more than text and calls of tools, or is not whole; it cannot be decoded; it belongs to no
task."""
PEOPLE = ("user", "reviewer")
"""Sources of corrections."""

Decode = Callable[[str, Json, str], Request]
"""(dialect, body, id) -> request. Raises ShortstopError, or KeyError for an unknown dialect."""


class Example(Struct, frozen=True):
    """One request with the answer to learn. `at` is Unix time in seconds. `gold`: a person gave the
    answer; `teacher` is "" then, and `told` what the teacher had answered, if it did. An answer
    that is `calls` of tools is their spelling. `tier` is how sensitive the request is, `pinned`
    whether it may not leave this machine. `synthetic`: nobody asked this; it may train, never
    examine. `earlier` are the answers that the same text got before, oldest first."""

    id: str
    at: float
    tenant: str
    task: str
    query: Query
    answer: str
    teacher: str = ""
    gold: bool = False
    conversation: str | None = None
    calls: tuple[Invocation, ...] = ()
    told: str | None = None
    tier: Tier = Tier.S0
    pinned: bool = False
    synthetic: bool = False
    earlier: tuple[str, ...] = ()


@dataclass(slots=True)
class Examples:
    """Makes examples and counts what is left out. `teachers` are the targets whose answers may be
    learned from; `pinned`: what privacy keeps on this machine may be learned from too, on this
    machine. `specialists` are targets whose answers others are held against."""

    teachers: Container[str]
    decode: Decode
    pinned: bool = False
    specialists: Container[str] = ()
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    def of(self, rows: Iterable[tuple[Trace, Iterable[Grade]]]) -> Iterator[Example]:
        """Rows with their grades, in order of time."""
        for trace, grades in rows:
            example = self.one(trace, correction(grades))
            if isinstance(example, Example):
                yield example
            else:
                self.left_out[example] += 1

    def one(self, trace: Trace, corrected: str | None) -> Example | LeftOut:
        """What a row teaches, with the answer that a person gave in place of its own, if one did;
        else why nothing."""
        if trace.outcome not in ("ok", "shadow") or trace.target is None:
            return "unanswered"
        if trace.request is None or (trace.response is None and corrected is None):
            return "no-content"
        if trace.clearance.reach >= Reach.LOCAL_ONLY and not self.pinned:
            return "pinned"
        taught = trace.target in self.teachers
        if corrected is None and not taught:
            return "teacher-not-allowed"
        return self._example(trace, corrected, taught=taught)

    def local(self, trace: Trace) -> Example | None:
        """A specialist's own answer, which teaches nobody; None where a row holds none."""
        if trace.outcome != "ok" or trace.target not in self.specialists or trace.request is None:
            return None
        if trace.response is None or (
            trace.clearance.reach >= Reach.LOCAL_ONLY and not self.pinned
        ):
            return None
        one = self._example(trace, None, taught=True)
        return one if isinstance(one, Example) else None

    def _example(self, trace: Trace, corrected: str | None, *, taught: bool) -> Example | LeftOut:
        assert trace.target is not None
        assert trace.request is not None
        calls = _calls(trace.response)
        answered = told(trace.response) if taught else None
        answer = corrected if corrected is not None else answered
        query = self._query(trace, trace.request)
        if answer is None or not isinstance(query, Query):
            return "unreadable" if query is None else "not-text"
        if trace.decision is None or not trace.decision.task:
            return "no-task"
        return Example(
            id=trace.id,
            at=trace.at,
            tenant=trace.tenant,
            task=trace.decision.task,
            query=query,
            answer=answer,
            teacher="" if corrected is not None else trace.target,
            gold=corrected is not None,
            conversation=trace.conversation,
            calls=calls if corrected is None else (),
            told=answered if corrected is not None else None,
            tier=trace.clearance.tier,
            pinned=trace.clearance.reach >= Reach.LOCAL_ONLY,
        )

    def _query(self, trace: Trace, body: Json) -> Query | Literal["not-text"] | None:
        try:
            request = self.decode(trace.dialect, body, trace.id)
        except (ShortstopError, KeyError):
            return None
        return query_of(request) or "not-text"


def correction(grades: Iterable[Grade]) -> str | None:
    """The last answer that a person said should have been given."""
    corrected = None
    for grade in grades:
        if grade.source in PEOPLE and grade.correction is not None:
            corrected = grade.correction
    return corrected


def told(choices: Sequence[Choice] | None) -> str | None:
    """An answer as examples hold it: its text, or its calls of tools in their spelling; None where
    it is neither, or was cut off."""
    calls = _calls(choices)
    return spelled(calls) if calls else _text(choices)


def _text(choices: Sequence[Choice] | None) -> str | None:
    """The answer, if it is one choice of text alone that was not cut off."""
    choice = _only_choice(choices)
    if choice is None or choice.finish not in ("stop", None):
        return None
    plain = all(isinstance(part, Text) for part in choice.parts)
    return choice.text if plain and choice.parts else None


def _calls(choices: Sequence[Choice] | None) -> tuple[Invocation, ...]:
    """The calls of an answer that holds some, whole; words that announce them are none."""
    choice = _only_choice(choices)
    if choice is None or choice.finish not in ("tool_calls", "stop", None):
        return ()
    if not all(isinstance(part, Text | ToolCall) for part in choice.parts):
        return ()
    return called(choice)


def _only_choice(choices: Sequence[Choice] | None) -> Choice | None:
    return None if choices is None or len(choices) != 1 else choices[0]
