"""What the console reads: the same figures as a report's, rows in pages, never for long."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.errors import StoreUnavailable
from shortstop.money import pico
from shortstop.stores.sql import figures as module
from shortstop.stores.sqlite import traces_schema
from shortstop.stores.sqlite.reading import SqliteFigures, SqliteReports
from shortstop.stores.sqlite.rows import SqliteRows
from shortstop.types.console import Days, RowCursor, RowFilter, TraceLine
from shortstop.types.report import Slice
from shortstop.types.rows import COLUMNS, GradeRow, Row

DAY = 86_400
START = 20_000 * DAY
EVER = Days(0, 100_000)

OUTCOMES = ("ok", "error", "cancelled", "interrupted", "refused", "shadow")


def row(number: int, document: str = "{}", **changes: Any) -> Row:
    values: dict[str, Any] = dict.fromkeys(COLUMNS)
    values |= {
        "id": f"r{number}", "at": START + number * 600.0, "tenant": "default", "dialect": "d",
        "model": "auto", "digest": "", "outcome": "ok", "status": 200, "stream": 0,
        "task": f"t{number % 3}", "target": "small", "local": 1, "tier": 0, "reach": 0,
        "attempts": 1, "escalated": 0, "explored": 0, "seconds": 0.1 * (number % 7 + 1),
        "tokens_estimated": 0, "unpriced": 0, "cost_pico": 10**9, "cost_local_pico": 10**9,
        "counterfactual_pico": 3 * 10**9, "baseline": "big", "joules": 1.0,
        "joules_basis": "modelled",
    }  # fmt: skip
    return Row(tuple({**values, **changes}.values()), document.encode())


@pytest.fixture
def store(tmp_path: Path) -> SqliteRows:
    made = SqliteRows(tmp_path / "traces.db")
    made.open()
    return made


@pytest.fixture
def reader(tmp_path: Path) -> SqliteFigures:
    return SqliteFigures(tmp_path / "traces.db")


def lines(reader: SqliteFigures, chosen: RowFilter, limit: int = 1000) -> list[TraceLine]:
    """All rows of a filter, page after page."""
    found: list[TraceLine] = []
    before: RowCursor | None = None
    with reader.figures(20) as figures:
        while True:
            page = figures.page(chosen, before, limit)
            found += page.lines
            if page.older is None:
                return found
            before = page.older


money = st.none() | st.integers(0, 10**16)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.floats(START, START + 3 * DAY),
            "tenant": st.sampled_from(("a", "b")),
            "task": st.none() | st.sampled_from(("t", "u|@")),
            "target": st.none() | st.sampled_from(("small", "big")),
            "outcome": st.sampled_from(OUTCOMES),
            "local": st.integers(0, 1),
            "reach": st.integers(0, 3),
            "escalated": st.integers(0, 1),
            "prompt_tokens": st.none() | st.integers(0, 10**6),
            "cost_pico": money,
            "cost_local_pico": money,
            "counterfactual_pico": money,
            "unpriced": st.integers(0, 1),
            "joules": st.none() | st.floats(0, 1e6),
            "joules_basis": st.sampled_from((None, "none", "measured", "modelled", "vendor")),
            "seconds": st.floats(0, 100),
        }
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, gone=st.floats(START, START + 3 * DAY), batch=st.integers(1, 9))
def test_roll_ups_are_the_sums_of_the_rows_that_are_there(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], gone: float, batch: int
) -> None:
    """Whatever was written in whichever batches, and after some of it was deleted."""
    path = tmp_path_factory.mktemp("figures") / "traces.db"
    store, reader, reports = SqliteRows(path), SqliteFigures(path), SqliteReports(path)
    store.open()
    made = [row(i, **changes) for i, changes in enumerate(rows)]
    for start in range(0, len(made), batch):
        store.insert(made[start : start + batch])
    for _ in range(2):
        for tenant in (None, "a"):
            report = reports.summary(tenant=tenant)
            with reader.figures(20) as figures:
                total = figures.slices(None, EVER, tenant=tenant)[0]
                alike(total, report.total)
                for by, slices in report.groups.items():
                    shown = figures.slices(by, EVER, tenant=tenant)
                    assert [one.key for one in shown] == [one.key for one in slices]
                    for mine, theirs in zip(shown, slices, strict=True):
                        alike(mine, theirs)
                keys = reports.summary(tenant=tenant, by=("key",)).groups["key"]
                counted = figures.keys(EVER, tenant=tenant)
                assert [one.requests for one in counted] == [one.requests for one in keys]
                assert sum(one.cost for one in counted) == report.total.cost
                points = figures.points(0, 10**7, 1, tenant)
                assert sum(point.requests for point in points) == report.total.requests
                assert sum(point.cost for point in points) == report.total.cost
                times = figures.times(RowFilter(tenant=tenant))
            assert (times.local_p50, times.local_p95) == (
                report.total.local_p50, report.total.local_p95,
            )  # fmt: skip
            assert (times.remote_p50, times.remote_p95) == (
                report.total.remote_p50, report.total.remote_p95,
            )  # fmt: skip
        store.delete_before(gone, 1000)
    store.close()


def alike(mine: Slice, theirs: Slice) -> None:
    """All but the times of answers; sums of real numbers may differ in their last digits."""
    for name in Slice.__struct_fields__:
        one, other = getattr(mine, name), getattr(theirs, name)
        if name in ("joules", "counterfactual_joules", "gco2"):
            assert one.value == pytest.approx(other.value, abs=1e-3)
            assert one.basis == other.basis
        elif not name.endswith(("p50", "p95")):
            assert one == other, name


@pytest.mark.parametrize(
    ("chosen", "meant"),
    [
        (RowFilter(), lambda _: True),
        (RowFilter(task="t1"), lambda one: one.task == "t1"),
        (RowFilter(task="(none)"), lambda one: one.task is None),
        (RowFilter(target="big", side="remote"), lambda one: one.target == "big"),
        (RowFilter(kept="unanswered"), lambda one: one.outcome != "ok"),
        (RowFilter(kept="pinned", task="t0"), lambda one: one.reach >= 2 and one.task == "t0"),
        (RowFilter(kept="escalated"), lambda one: one.escalated),
        (RowFilter(search="acm"), lambda one: one.task == "acme-task"),
        (RowFilter(search="r7"), lambda one: one.id == "r7"),
        (RowFilter(key="k3"), lambda one: one.id.endswith("3")),
        (RowFilter(tag="nightly", kept="all"), lambda one: one.tag == "nightly"),
        (RowFilter(run="run-1", tenant="default"), lambda one: one.run == "run-1"),
        (RowFilter(since=START + 6000, until=START + 12_000),
         lambda one: START + 6000 <= one.at < START + 12_000),
    ],
)  # fmt: skip
def test_every_filter_finds_its_rows_in_pages(
    store: SqliteRows,
    reader: SqliteFigures,
    chosen: RowFilter,
    meant: Callable[[TraceLine], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each once, newest first, also where a page looks through few rows, and at equal times."""
    made = []
    for i in range(120):
        odd: dict[str, Any] = {}
        if i % 5 == 0:
            odd = {"target": "big", "local": 0, "escalated": i % 2, "reach": 2}
        if i % 7 == 0:
            odd |= {"outcome": "error", "task": None, "target": None}
        if i % 11 == 0:
            odd |= {"task": "acme-task"}
        if i % 13 == 0:
            odd |= {"run": "run-1", "tag": "nightly"}
        made.append(row(i, at=START + i // 3 * 600.0, key=f"k{i % 10}", **odd))
    store.insert(made)
    everything = lines(reader, RowFilter())
    assert len(everything) == 120
    expected = [one for one in everything if meant(one)]
    assert expected
    for searched, limit in ((20_000, 1000), (7, 3)):
        monkeypatch.setattr(module, "MOST_SEARCHED", searched)
        found = lines(reader, chosen, limit)
        assert [one.id for one in found] == [one.id for one in expected]
        assert found == sorted(found, key=lambda one: (-one.at, -one.seq))


def test_a_page_that_searched_enough_says_how_far(
    store: SqliteRows, reader: SqliteFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.insert([row(i) for i in range(50)])
    monkeypatch.setattr(module, "MOST_SEARCHED", 10)
    with reader.figures(20) as figures:
        page = figures.page(RowFilter(target="nobody"), None, 5)
    assert page.lines == ()
    assert page.searched == START + 39 * 600
    assert page.older is not None


def whole_rows(
    reader: SqliteFigures, chosen: RowFilter, limit: int, between: Callable[[], None] = list
) -> list[int]:
    """The numbers of the rows that are read in pages; `between` happens after each."""
    found, after = [], None
    while True:
        with reader.figures(20) as figures:
            page = figures.documents(chosen, after, limit)
        found += [int(document) for document, _ in page.rows]
        between()
        after = page.next
        if after is None:
            return found


@settings(max_examples=25, deadline=None)
@given(
    start=st.lists(st.integers(0, 5), max_size=25),
    later=st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6),
    limit=st.integers(1, 7),
    searched=st.sampled_from([2, 20_000]),
)
def test_pages_hold_each_row_once_whatever_is_written_meanwhile(
    tmp_path_factory: pytest.TempPathFactory,
    start: list[int],
    later: list[list[int]],
    limit: int,
    searched: int,
) -> None:
    """Rows of before are all there, once, in order; those that come meanwhile at most once. The
    same backwards (lists) and forwards (files), at equal times too."""
    path = tmp_path_factory.mktemp("figures") / "traces.db"
    store, reader, number = SqliteRows(path), SqliteFigures(path), itertools.count()
    store.open()

    def add(times: list[int]) -> None:
        store.insert(
            [row(n, document=str(n), at=START + at) for at in times for n in (next(number),)]
        )

    coming = iter([*later, *later])

    def write_more() -> None:
        add(next(coming, []))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_SEARCHED", searched)
        add(start)
        times = {f"r{n}": at for n, at in enumerate(start)}
        there = whole_rows(reader, RowFilter(kept="all"), 1000)
        forwards = whole_rows(reader, RowFilter(kept="all"), limit, write_more)
        assert [n for n in forwards if n in there] == there
        assert len(set(forwards)) == len(forwards)
        backwards, before = [], None
        while True:
            with reader.figures(20) as figures:
                page = figures.page(RowFilter(kept="all"), before, limit)
            backwards += [line.id for line in page.lines]
            write_more()
            before = page.older
            if before is None:
                break
        assert len(set(backwards)) == len(backwards)
        assert set(times) <= set(backwards)
    store.close()


def test_a_page_of_whole_rows_holds_some_megabytes_and_their_grades(
    store: SqliteRows, reader: SqliteFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with the grades of its own tenant alone."""
    own, other = (GradeRow("r1", t, "user", "small", 1.0, START) for t in ("default", "else"))
    store.insert([row(i, document=str(10**9 + i)) for i in range(10)], [own, other])
    monkeypatch.setattr(module, "MOST_BYTES", 25)
    with reader.figures(20) as figures:
        page = figures.documents(RowFilter(), None, 100)
    assert len(page.rows) == 3
    assert page.next is not None
    assert [len(grades) for _, grades in page.rows] == [0, 1, 0]


def test_what_takes_too_long_is_given_up(store: SqliteRows, reader: SqliteFigures) -> None:
    """And says so in words; the writer was never held up."""
    store.insert([row(i) for i in range(300)])
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="longer than"), reader.figures(0.05) as figures:
        figures._all(endless)
    assert time.monotonic() - began < 5


def test_a_writer_writes_while_a_page_is_read(store: SqliteRows, reader: SqliteFigures) -> None:
    """And the page goes on to see the rows of when it began."""
    store.insert([row(0)])
    with reader.figures(20) as figures:
        assert figures.slices(None, EVER)[0].requests == 1
        assert store.insert([row(1)]) == 0
        assert figures.slices(None, EVER)[0].requests == 1
        with pytest.raises(StoreUnavailable, match="readonly"):
            figures._all("DELETE FROM traces")


def test_the_tail_and_one_document_are_a_tenants_own(
    store: SqliteRows, reader: SqliteFigures, tmp_path: Path
) -> None:
    store.insert([row(i, tenant="a" if i % 2 else "b") for i in range(6)])
    with reader.figures(20) as figures:
        assert [one.id for one in figures.tail(-1, "a", 2)] == ["r5", "r3"]
        assert figures.tail(99, None, 2) == ()
        assert figures.document("r1", "a") == (b"{}", [])
        assert figures.document("r1", "b") is None
        assert figures.document("r1", None) is not None


def test_a_file_of_before_is_summed_when_it_is_opened(tmp_path: Path) -> None:
    """The roll-ups begin with the rows that were there."""
    path = tmp_path / "traces.db"
    store = SqliteRows(path)
    store.open()
    store.insert([row(i, cost_pico=pico(Decimal(i))) for i in range(20)])
    store.close()
    with sqlite3.connect(path) as db:
        for table in ("daily", "hourly"):
            db.execute(f"DROP TABLE {table}")
        for index in ("traces_task_at", "traces_unanswered", "traces_escalated"):
            db.execute(f"DROP INDEX {index}")
        traces_schema.m007_rollups(db)
    with SqliteFigures(path).figures(20) as figures:
        assert figures.slices(None, EVER)[0].cost == sum(range(20))
