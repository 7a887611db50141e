"""SQLite and PostgreSQL give one answer to every question, over whatever rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortstop.ports.stores import Figures, Stores
from shortstop.stores import Paths
from shortstop.stores.sqlite import SqliteStores
from shortstop.types.console import Days, RowCursor, RowFilter
from shortstop.types.learning import RUN_OUTCOME
from shortstop.types.report import GroupBy
from shortstop.types.rows import GradeRow
from tests.postgres import PostgresServer
from tests.stores.rows import CHANGES, DAY, START, row

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.stores import PostgresStores

GROUPS: tuple[GroupBy, ...] = (
    "day", "task", "target", "tenant", "key", "user", "tag", "run", "specialist", "deployment",
)  # fmt: skip
FOUND = '{"clearance":{"findings":[{"label":"EMAIL","rule":"email","tier":2}]}}'
FILTERS = (
    RowFilter(),
    RowFilter(kept="all"),
    RowFilter(kept="escalated", task="t"),
    RowFilter(kept="pinned"),
    RowFilter(kept="unpriced"),
    RowFilter(kept="unanswered"),
    RowFilter(kept="explored"),
    RowFilter(kept="shadow"),
    RowFilter(side="local", target="small"),
    RowFilter(side="remote", tenant="a"),
    RowFilter(task="(none)", search="sma"),
    RowFilter(search="SMA"),
    RowFilter(since=START + DAY, until=START + 2 * DAY, tier=2),
    RowFilter(run="named", key="k1"),
)


@pytest.fixture
def twins(postgres: PostgresServer, tmp_path: Path) -> Iterator[tuple[Stores, Stores]]:
    with postgres.database() as url:
        yield SqliteStores(Paths(tmp_path, tmp_path / "traces.db")), PostgresStores(url)


def near(value: Any) -> Any:
    """Sums of real numbers may differ in their last digits, as the order of adding does."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-9, abs=1e-6)
    if isinstance(value, dict):
        return {key: near(one) for key, one in value.items()}
    return [near(one) for one in value] if isinstance(value, list | tuple) else value


def plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(bytes,))


def pages(figures: Figures, chosen: RowFilter) -> list[Any]:
    found: list[Any] = []
    before: RowCursor | None = None
    while True:
        page = figures.page(chosen, before, 7)
        found += page.lines
        before = page.older
        if before is None:
            return found


def figured(stores: Stores, tenant: str | None) -> dict[str, Any]:
    days = Days(START // DAY - 1, START // DAY + 9)
    with stores.figures().figures(30) as figures:
        newest = figures.tail(-1, tenant, 3)
        return {
            "slices": [
                figures.slices(by, days, tenant=tenant, task=task)
                for by in (None, "day", "task", "target", "tenant")
                for task in (None, "t", "(none)")
            ],
            "points": figures.points(START // 3600, START // 3600 + 99, 5, tenant),
            "days": figures.days(tenant),
            "baselines": figures.baselines(days),
            "tail": [newest, figures.tail(newest[-1].seq if newest else 0, tenant, 5)],
            "filters": [
                (
                    pages(figures, chosen), figures.times(chosen), figures.tiers(chosen),
                    figures.rules(chosen), figures.documents(chosen, None, 11),
                )
                for chosen in FILTERS
            ],
            "document": figures.document("r3", tenant),
        }  # fmt: skip


def reported(stores: Stores, **which: Any) -> dict[str, Any]:
    reports = stores.reports()
    return {
        "summary": reports.summary(by=GROUPS, **which),
        "charges": list(reports.charges(**which)),
        "documents": list(reports.documents(**which)),
        "grades": list(reports.grades(**which)),
        "graded": list(reports.graded(**which)),
    }


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(CHANGES, max_size=9), min_size=1, max_size=4),
    gone=st.floats(START, START + 3 * DAY),
)
def test_reports_and_figures_are_the_same(
    twins: tuple[Stores, Stores], batches: list[list[dict[str, Any]]], gone: float
) -> None:
    answers: list[list[Any]] = []
    for stores in twins:
        with closing(stores.rows()) as store:
            store.open()
            while store.delete_before(START + 99 * DAY, 1000):  # of the example before
                pass
            number = 0
            for batch in batches:
                rows = [row(number + i, FOUND, **one) for i, one in enumerate(batch)]
                number += len(batch)
                given = [
                    GradeRow(f"r{n}", "ab"[n % 2], "user", "small", n / 9, START + n)
                    for n in range(number)
                ]
                outcomes = GradeRow("named", "a", "user", "", 1.0, START, grader=RUN_OUTCOME)
                assert store.insert(rows, [*given, outcomes]) == 0
            seen = []
            for _ in range(2):
                for tenant in (None, "a"):
                    seen.append(plain(figured(stores, tenant)))
                    seen.append(plain(reported(stores, tenant=tenant)))
                    seen.append(plain(reported(stores, since=START + DAY, until=START + 2 * DAY)))
                store.delete_before(gone, 1000)
            answers.append(seen)
    assert renumbered(answers[1]) == near(renumbered(answers[0]))


def renumbered(value: Any) -> Any:
    """Rows' numbers go on after a deletion; which one a row has is each database's business."""
    if isinstance(value, dict):
        return {key: renumbered(one) for key, one in value.items() if key != "seq"}
    return [renumbered(one) for one in value] if isinstance(value, list | tuple) else value
