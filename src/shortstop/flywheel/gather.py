"""Recorded traffic by task: what each costs, and the examples that it holds."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from shortstop.flywheel.examples import PEOPLE, Example, Examples, LeftOut
from shortstop.flywheel.verdicts import BothGrades
from shortstop.types import Grade, Trace

MOST_TASKS = 10_000
"""Tasks that are told apart; what else comes is counted as one more, so that a client that invents
a task for each request does not fill the memory."""
OTHERS = "others"
SHADOW = "-shadow"
"""Ends the ids of rows that were asked unseen, after the id of the request."""
JUDGE = "-judge-"
"""In the ids of a judge's calls: they cost, and teach nothing by themselves."""


class TaskKey(NamedTuple):
    """One tenant's task, as the router names it. Nothing is ever learned across tenants."""

    tenant: str
    task: str


@dataclass(slots=True)
class TaskTraffic:
    """What was recorded of a task. `examples` are the newest that can be learned from, oldest
    first; `seen` counts all of these; `erased` are the ids of the tenant's rows whose content is
    not there: tasks may have learned from each other.
    `graded` are the grades of each target's answers; `judged` what judges gave, by row and by whose
    answer was held against the frontier's.
    `local` are the newest requests that specialists answered, with their answers.
    `spend` is in US dollars; `remote` of the `requests` were answered by a model elsewhere. `first`
    and `last` are Unix times in seconds."""

    key: TaskKey
    examples: deque[Example]
    requests: int = 0
    remote: int = 0
    seen: int = 0
    spend: Decimal = Decimal(0)
    first: float = 0.0
    last: float = 0.0
    sample: Trace | None = None
    erased: set[str] = field(default_factory=set)
    graded: dict[str, list[float]] = field(default_factory=dict)
    judged: dict[str, dict[str, BothGrades]] = field(default_factory=dict)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    answered_by: Counter[str] = field(default_factory=Counter)
    local: deque[Example] = field(default_factory=deque)

    @property
    def sampled(self) -> bool:
        """Whether there were more examples than are kept."""
        return self.seen > len(self.examples)


class Corrections:
    """What people said of recorded answers, by the request that they are about: the answer that
    should have been given, or a reviewer's word that the one that was given is right."""

    def __init__(self, grades: Iterable[Grade]) -> None:
        self._right: dict[tuple[str, str], str] = {}
        self._confirmed: set[tuple[str, str, str]] = set()
        self._graded: dict[tuple[str, str], list[Grade]] = {}
        for grade in grades:
            if grade.source in ("comparison", "judge") and grade.value is not None:
                self._graded.setdefault((grade.tenant, grade.trace), []).append(grade)
            if grade.source in PEOPLE and grade.correction is not None:
                self._right[grade.tenant, grade.trace] = grade.correction
            elif grade.source == "reviewer" and grade.value is not None and grade.value >= 1.0:
                self._confirmed.add((grade.tenant, grade.trace, grade.target))

    def of(self, trace: Trace) -> str | None:
        """A row that was asked unseen shares those of its request."""
        return self._right.get((trace.tenant, _asked(trace)))

    def confirm(self, trace: Trace) -> bool:
        """Whether a reviewer found this very answer right."""
        return (trace.tenant, _asked(trace), trace.target) in self._confirmed

    def grades(self, trace: Trace) -> list[Grade]:
        """What programs and judges gave to the answers to a request."""
        return self._graded.get((trace.tenant, trace.id), [])

    def judged(self, trace: Trace) -> dict[str, BothGrades]:
        """What a judge gave to other answers beside that of the row's target, which a row that was
        asked unseen gave to its request."""
        ids = dict.fromkeys((_asked(trace), trace.id))
        judged = [
            grade
            for id in ids
            for grade in self._graded.get((trace.tenant, id), ())
            if grade.source == "judge"
        ]
        values = {(grade.grader, grade.target): grade.value for grade in judged}
        out = {}
        for grade in judged:
            told = values.get((grade.grader, trace.target or ""))
            if grade.reference == trace.target and told is not None and grade.value is not None:
                out[grade.target] = BothGrades(told, grade.value)
        return out

    def __len__(self) -> int:
        return len(self._right)


def _asked(trace: Trace) -> str:
    """The id of the request that a row is about."""
    request, shadow, _ = trace.id.rpartition(SHADOW)
    return request if shadow else trace.id


def gather(
    traces: Iterable[Trace], corrections: Corrections, examples: Examples, most: int
) -> dict[TaskKey, TaskTraffic]:
    """Traces in order of time, at most `most` examples of each task in memory."""
    found: dict[TaskKey, TaskTraffic] = {}
    erased: dict[str, set[str]] = {}
    for trace in traces:
        traffic = _traffic_of(trace, found, most)
        if traffic is None:
            continue
        traffic.erased = erased.setdefault(trace.tenant, traffic.erased)
        _count(trace, traffic)
        if JUDGE in trace.id:
            continue
        _count_grades(corrections.grades(trace), traffic)
        corrected = corrections.of(trace)
        if corrected is None and (answered := examples.local(trace)) is not None:
            traffic.local.append(answered)
        if judged := corrections.judged(trace):
            traffic.judged[trace.id] = judged
        one = examples.one(trace, corrected)
        if isinstance(one, Example):
            if not one.gold and corrections.confirm(trace):
                one = replace(one, gold=True, told=one.answer)
            traffic.seen += 1
            traffic.examples.append(one)
        else:
            traffic.left_out[one] += 1
            if one == "no-content":
                traffic.erased.add(trace.id)
    return found


def _traffic_of(trace: Trace, found: dict[TaskKey, TaskTraffic], most: int) -> TaskTraffic | None:
    if trace.decision is None or trace.target is None:
        return None
    key = TaskKey(trace.tenant, trace.decision.task)
    if key not in found and len(found) >= MOST_TASKS:
        key = TaskKey(trace.tenant, OTHERS)
    if key not in found:
        newest: deque[Example] = deque(maxlen=most)
        found[key] = TaskTraffic(key, newest, first=trace.at, local=deque(maxlen=most))
    return found[key]


def _count(trace: Trace, traffic: TaskTraffic) -> None:
    traffic.last = trace.at
    if trace.bill is not None and trace.bill.cost is not None:
        traffic.spend += trace.bill.cost
    if trace.outcome != "ok":
        return
    traffic.requests += 1
    traffic.remote += not trace.local
    if trace.target is not None:
        traffic.answered_by[trace.target] += 1
    if trace.request is not None:
        traffic.sample = trace


def _count_grades(grades: Iterable[Grade], traffic: TaskTraffic) -> None:
    for grade in grades:
        assert grade.value is not None
        traffic.graded.setdefault(grade.target, []).append(grade.value)


def ranked(found: Iterable[TaskTraffic]) -> Iterator[TaskTraffic]:
    """By what they cost, then by how often they were asked."""
    return iter(sorted(found, key=lambda t: (-t.spend, -t.requests, t.key)))
