"""What the gateway's own books say about a day: its rows, joined with the client's outcomes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.company.clients import Outcome
from bench.company.setting import LOCAL, Setting
from shortstop import registry
from shortstop.config import load
from shortstop.stores import Paths, open_stores
from shortstop.traces import TraceReader
from shortstop.traces.keyfile import reading_seal
from shortstop.types import Reach, Trace

NOBODY, FRONTIER, GENERIC = "nobody", "frontier", "generic"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the books. Money in US dollars, energy in joules; `unseen`: asked only to learn;
    `seconds` as the gateway measured them; `by` is who answered."""

    task: str
    unseen: bool
    by: str
    local: bool
    pinned: bool
    seconds: float
    cost: float
    all_llm: float
    joules: tuple[float, float, float]
    all_llm_joules: tuple[float, float, float]
    basis: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """An outcome with its row, if the books have one, and what it was worth: right against gold
    (None where there is none), and whether it says what the frontier says."""

    outcome: Outcome
    entry: Entry | None
    right: bool | None
    teacher_right: bool | None
    agrees: bool

    @property
    def by(self) -> str:
        """Who answered: nobody, the frontier, the generic model or a kind of specialist."""
        if self.outcome.error:
            return NOBODY
        if self.outcome.specialist:
            return kind_of(self.outcome.specialist)
        return GENERIC if self.outcome.target == LOCAL else FRONTIER

    @property
    def local(self) -> bool:
        return self.by not in (NOBODY, FRONTIER)

    @property
    def pinned(self) -> bool:
        return self.entry is not None and self.entry.pinned


def kind_of(specialist: str) -> str:
    """A specialist is named by its kind and the hash of its content."""
    return specialist.rpartition("-")[0] or specialist


def traces(setting: Setting, since: float, until: float) -> list[Trace]:
    """The rows of that time, opened."""
    return list(reader(setting.config).traces(since=since, until=until))


def disputed(setting: Setting, since: float) -> set[str]:
    """Requests since then to which a specialist and the frontier gave different answers."""
    return {
        grade.trace
        for grade in reader(setting.config).grades(since=since)
        if grade.source == "comparison" and grade.target != LOCAL and (grade.value or 0.0) < 1.0
    }


def reader(file: Path) -> TraceReader:
    """Of the books that the configuration `file` names."""
    config = load(file, os.environ)
    paths = Paths.of(registry.home(config.data_dir, os.environ), config)
    seal = reading_seal(config.traces, os.environ, paths.content_key)
    return TraceReader(open_stores(paths).reports(), seal)


def entry(trace: Trace) -> Entry:
    bill = trace.bill
    spans = (bill.joules, bill.counterfactual_joules) if bill else None
    return Entry(
        task=trace.decision.task if trace.decision else "",
        unseen=trace.outcome == "shadow",
        by=trace.target or NOBODY,
        local=trace.local,
        pinned=trace.clearance.reach >= Reach.LOCAL_ONLY,
        seconds=trace.seconds,
        cost=float(bill.cost or 0) if bill else 0.0,
        all_llm=float(bill.counterfactual or 0) if bill else 0.0,
        joules=_span(spans[0]) if spans else (0.0, 0.0, 0.0),
        all_llm_joules=_span(spans[1]) if spans else (0.0, 0.0, 0.0),
        basis=(spans[0].basis, spans[1].basis) if spans else ("none", "none"),
    )


def _span(span: object) -> tuple[float, float, float]:
    return tuple(float(getattr(span, name)) for name in ("value", "low", "high"))  # type: ignore[return-value]


def joined(
    outcomes: Sequence[Outcome], rows: Iterable[Trace]
) -> tuple[list[Line], list[tuple[str, Entry]]]:
    """Each outcome with its row; and the rows that are nobody's answer (runs that are only learned
    from), each with the kind of request of its task."""
    by_id = {trace.id: trace for trace in rows}
    lines = []
    for outcome in outcomes:
        trace = by_id.pop(outcome.request, None)
        answered = not outcome.error
        ask = outcome.ask
        lines.append(
            Line(
                outcome,
                entry(trace) if trace else None,
                ask.right(outcome.text) if answered else (False if ask.check else None),
                ask.right(ask.teacher),
                answered and ask.agrees(outcome.text),
            )
        )
    kinds = {line.outcome.task: line.outcome.ask.kind for line in lines if line.outcome.task}
    rest = [entry(trace) for trace in by_id.values()]
    return lines, [(kinds.get(one.task, ""), one) for one in rest]
