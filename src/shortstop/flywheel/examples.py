"""Recorded requests and answers as examples to learn from, and why the others are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from shortstop.errors import ShortstopError
from shortstop.specialists.query import Query, query_of
from shortstop.types import Grade, Json, Reach, Request, Text, Trace

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
answer is a model's whose operator did not allow learning from it; it or its answer holds more than
text, or is not whole; it cannot be decoded; it belongs to no task."""
PEOPLE = ("user", "reviewer")
"""Sources of corrections."""

Decode = Callable[[str, Json, str], Request]
"""(dialect, body, id) -> request. Raises ShortstopError, or KeyError for an unknown dialect."""


class Example(Struct, frozen=True):
    """One request with the answer to learn. `at` is Unix time in seconds. `gold`: a person gave the
    answer, `teacher` is "" then."""

    id: str
    at: float
    tenant: str
    task: str
    query: Query
    answer: str
    teacher: str = ""
    gold: bool = False
    conversation: str | None = None


@dataclass(slots=True)
class Examples:
    """Makes examples and counts what is left out. `teachers` are the targets whose answers may be
    learned from; `pinned`: what privacy keeps on this machine may be learned from too, on this
    machine."""

    teachers: Collection[str]
    decode: Decode
    pinned: bool = False
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    def of(self, rows: Iterable[tuple[Trace, Iterable[Grade]]]) -> Iterator[Example]:
        """Rows with their grades, in order of time."""
        for trace, grades in rows:
            example = self._example(trace, correction(grades))
            if isinstance(example, Example):
                yield example
            else:
                self.left_out[example] += 1

    def _example(self, trace: Trace, corrected: str | None) -> Example | LeftOut:
        if trace.outcome not in ("ok", "shadow") or trace.target is None:
            return "unanswered"
        if trace.request is None or (trace.response is None and corrected is None):
            return "no-content"
        if trace.clearance.reach >= Reach.LOCAL_ONLY and not self.pinned:
            return "pinned"
        if corrected is None and trace.target not in self.teachers:
            return "teacher-not-allowed"
        answer = corrected if corrected is not None else _text(trace)
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


def _text(trace: Trace) -> str | None:
    """The answer, if it is one choice of text alone that was not cut off."""
    if trace.response is None or len(trace.response) != 1:
        return None
    choice = trace.response[0]
    whole = choice.finish in ("stop", None)
    plain = all(isinstance(part, Text) for part in choice.parts)
    return choice.text if whole and plain and choice.parts else None
