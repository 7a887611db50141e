"""Runs in the report: what they took and how they ended, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.stores.sqlite.reading import SqliteReports
from shortstop.types import Grade, Trace
from shortstop.types.learning import RUN_OUTCOME
from shortstop.types.report import RunTotals
from tests.conftest import FakeClock
from tests.traces.example import LOCAL, open_store, trace

AT = LOCAL.at


def step(run: str | None, usd: str, number: int = 0, **more: object) -> Trace:
    assert LOCAL.bill is not None
    bill = replace(LOCAL.bill, cost=Decimal(usd))
    fields = {"at": AT + number, "run": run, "bill": bill, "tenant": "acme"} | more
    return trace(f"{run}-{fields['tenant']}-{number}", **fields)


def refused(run: str, number: int) -> Trace:
    return step(run, "0", number, outcome="refused", status=429, bill=None, run_refusal="steps")


def outcome(run: str, value: float, at: float = AT + 100, source: str = "user") -> Grade:
    return Grade(run, "acme", source, "", value, at, grader=RUN_OUTCOME)  # type: ignore[arg-type]


ROWS = [
    step(None, "9"),
    step("~alone", "7"),
    step("named", "0.25"),
    *(step("~solved", "1", i) for i in range(3)),
    *(step("~failed", "2", i) for i in range(2)),
    step("~failed", "2", 3, outcome="error", status=502, bill=None),
    step("~stopped", "1", 0),
    step("~stopped", "3", 1),
    refused("~stopped", 2),
    refused("~stopped", 3),
    step("~looping", "4", 0, run_refusal="repeat"),
    step("~solved", "5", tenant="other"),
    step("~solved", "5", 1, tenant="other"),
    step("~solved", "5", 2, tenant="other", outcome="shadow"),
]
GRADES = [
    outcome("~solved", 0.0, AT + 50),
    outcome("~solved", 1.0),
    outcome("~failed", 0.4),
    outcome("~stopped", 0.0, source="reviewer"),
    outcome("~unheard-of", 1.0),
    replace(outcome("~looping", 1.0), grader=None),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "traces.db"
    store = open_store(path, TracesConfig(), FakeClock())
    for row in ROWS:
        store.append(row)
    for grade in GRADES:
        store.grade(grade)
    store.close()
    return path


def test_one_tenants_runs(path: Path) -> None:
    runs = SqliteReports(path).summary(tenant="acme").runs
    assert runs == RunTotals(
        runs=5,  # not `~alone`, which nothing continued
        steps=1 + 3 + 2 + 2 + 1,
        cost=Decimal("0.25") + 3 + 4 + 4 + 4,
        judged=3,
        solved=1,
        judged_cost=Decimal(3 + 4 + 4),
        stopped=1,
        looping=1,
        avoided=Decimal(3 + 4),
    )
    assert runs.solved_share == pytest.approx(1 / 3)
    assert runs.cost_per_solved == Decimal(11)


def test_tenants_runs_of_one_name_are_two(path: Path) -> None:
    runs = SqliteReports(path).summary().runs
    assert (runs.runs, runs.judged, runs.solved) == (6, 3, 1)
    assert SqliteReports(path).summary(tenant="other").runs.judged == 0


def test_without_runs_there_is_nothing_to_say(tmp_path: Path) -> None:
    store = open_store(tmp_path / "traces.db", TracesConfig(), FakeClock())
    store.append(step(None, "1"))
    store.close()
    runs = SqliteReports(tmp_path / "traces.db").summary().runs
    assert runs == RunTotals()
    assert (runs.solved_share, runs.cost_per_solved) == (None, None)
