"""The store in good and in bad times. What only a real death can show is in test_durability."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from shortstop.config import TracesConfig
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.stores.sqlite.rows import SqliteRows
from shortstop.traces import TraceStore, journal, writer
from tests.conftest import FakeClock
from tests.traces.example import open_store, reader, trace, traces

Make = Callable[..., TraceStore]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(writer, "BATCH_SECONDS", 0.005)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "traces.db"


@pytest.fixture
def make(path: Path, clock: FakeClock) -> Iterator[Make]:
    made: list[TraceStore] = []

    def build(config: TracesConfig | None = None) -> TraceStore:
        made.append(open_store(path, config or TracesConfig(), clock, busy_seconds=0.05))
        return made[-1]

    yield build
    for one in made:
        one.close(timeout=1)


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not claim():
        assert time.monotonic() < deadline, "this did not become true in time"
        time.sleep(0.005)


def ids(path: Path) -> list[str]:
    return [t.id for t in traces(path)]


# ---------------------------------------------------------------- good times


def test_rows_come_back_whole_and_in_order_of_time(make: Make, path: Path) -> None:
    one = make()
    late, early = trace("late", at=200.0 + 1.795e9), trace("early", at=100.0 + 1.795e9)
    one.append(late)
    one.append(early)
    assert one.flush()
    assert traces(path) == [early, late]


def test_reading_pages_through_more_than_a_page(make: Make, path: Path) -> None:
    one = make()
    for i in range(1203):
        one.append(trace(f"r{i}", at=1.795e9 + i // 3))
    assert one.flush()
    assert ids(path) == [f"r{i}" for i in range(1203)]


def test_reading_filters_by_time_and_tenant(make: Make, path: Path) -> None:
    one = make()
    for i in range(4):
        one.append(trace(f"r{i}", at=1.795e9 + i, tenant="a" if i % 2 else "b"))
    assert one.flush()
    assert [t.id for t in reader(path).traces(since=1.795e9 + 1, until=1.795e9 + 3)] == ["r1", "r2"]
    assert [t.id for t in reader(path).traces(tenant="a")] == ["r1", "r3"]


def test_a_healthy_store_says_so(make: Make) -> None:
    one = make()
    one.append(trace())
    assert one.flush()
    health = one.health()
    assert (health.state, health.detail, health.pending, health.dropped, health.durable) == (
        "ok", "", 0, 0, True,
    )  # fmt: skip


def test_a_second_row_with_the_same_id_is_refused_and_counted(make: Make, path: Path) -> None:
    one = make()
    one.append(trace("same", tenant="first"))
    one.append(trace("same", tenant="second"))
    assert one.flush()
    assert [t.tenant for t in traces(path)] == ["first"]
    assert one.health().dropped == 1


def test_closing_writes_everything_and_leaves_no_journal(make: Make, path: Path) -> None:
    one = make()
    for i in range(500):
        one.append(trace(f"r{i}"))
    one.close()
    assert list((path.parent / "traces.db.journal").iterdir()) == []
    make()
    assert len(ids(path)) == 500


def test_many_threads_may_append(make: Make, path: Path) -> None:
    one = make()

    def work(name: str) -> None:
        for i in range(200):
            one.append(trace(f"{name}-{i}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.flush()
    assert len(set(ids(path))) == 800


def test_two_stores_share_a_file(make: Make, path: Path) -> None:
    one, two = make(), make()
    for i in range(50):
        one.append(trace(f"one-{i}"))
        two.append(trace(f"two-{i}"))
    assert one.flush()
    assert two.flush()
    assert len(ids(path)) == 100


# ---------------------------------------------------------------- streams


def test_an_opened_stream_that_finishes_has_one_row(make: Make, path: Path) -> None:
    one = make()
    one.open(trace("s", outcome="interrupted"))
    one.append(trace("s"))
    assert one.flush()
    one.close()
    make()
    assert [(t.id, t.outcome) for t in traces(path)] == [("s", "ok")]


def test_an_opened_stream_that_never_finishes_is_interrupted(make: Make, path: Path) -> None:
    one = make()
    one.open(trace("s", outcome="interrupted"))
    one.close()
    make()
    until(lambda: bool(ids(path)))
    assert [(t.id, t.outcome) for t in traces(path)] == [("s", "interrupted")]


def test_an_opened_row_is_interrupted_whatever_it_said(make: Make, path: Path) -> None:
    one = make()
    one.open(trace("s", outcome="ok"))
    one.close()
    make()
    until(lambda: bool(ids(path)))
    assert [t.outcome for t in traces(path)] == ["interrupted"]


# ---------------------------------------------------------------- bad times


def test_a_locked_database_keeps_serving_and_heals(
    make: Make, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = make()
    one.append(trace("before"))
    assert one.flush()
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for i in range(20):
        one.append(trace(f"r{i}"))
    until(lambda: one.health().state == "degraded")
    health = one.health()
    assert health.durable
    assert health.pending == 20
    assert "locked" in health.detail
    lock.execute("ROLLBACK")
    lock.close()
    until(lambda: one.health().state == "ok")
    assert one.flush()
    assert len(ids(path)) == 21
    said = [r.levelname for r in caplog.records if r.name == "shortstop.traces.health"]
    assert said == ["ERROR", "WARNING"]


def test_a_start_with_a_locked_database_serves(make: Make, path: Path) -> None:
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("CREATE TABLE x (y)")
    lock.execute("BEGIN EXCLUSIVE")
    one = make()
    assert one.health().state == "degraded"
    one.append(trace())
    lock.execute("ROLLBACK")
    lock.close()
    assert one.flush()
    assert ids(path) == ["req_1"]


def test_a_full_queue_of_journalled_rows_loses_nothing(make: Make, path: Path) -> None:
    one = make(TracesConfig(queue=10))
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for i in range(95):
        one.append(trace(f"r{i:02}", at=1.795e9 + i))
    health = one.health()
    assert health.pending == 95
    assert health.dropped == 0
    lock.execute("ROLLBACK")
    lock.close()
    assert one.flush()
    assert ids(path) == [f"r{i:02}" for i in range(95)]
    one.close()
    assert list((path.parent / "traces.db.journal").iterdir()) == []


def no_space(*_: object) -> NoReturn:
    raise OSError(28, "No space left on device")


def test_an_unwritable_journal_goes_straight_to_the_database(
    make: Make, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make()
    monkeypatch.setattr(journal.Segment, "write", no_space)
    one.append(trace("a"))
    health = one.health()
    assert (health.state, health.durable) == ("degraded", False)
    assert "No space left" in health.detail
    assert one.flush()
    assert ids(path) == ["a"]
    monkeypatch.undo()
    clock.advance(2)
    one.append(trace("b"))
    assert one.health().durable
    assert one.health().state == "ok"


def test_when_all_fails_the_oldest_rows_are_dropped_and_counted(
    make: Make, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = make(TracesConfig(queue=10))
    monkeypatch.setattr(journal.Segment, "write", no_space)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    one.append(trace("r00"))
    until(lambda: "locked" in one.health().detail)
    for i in range(1, 30):
        one.append(trace(f"r{i:02}", at=1.795e9 + i))
    health = one.health()
    assert health.state == "losing"
    assert 19 <= health.dropped <= 20  # one row may be in the writer's hands
    lock.execute("ROLLBACK")
    lock.close()
    assert one.flush()
    assert ids(path)[-10:] == [f"r{i}" for i in range(20, 30)]
    assert [r for r in caplog.records if "being lost" in r.message]


def test_a_database_on_a_full_disk_heals(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = make()
    real = SqliteRows.insert

    def full(*_: object) -> NoReturn:
        raise StoreUnavailable("database or disk is full")

    monkeypatch.setattr(SqliteRows, "insert", full)
    one.append(trace())
    until(lambda: one.health().state == "degraded")
    monkeypatch.setattr(SqliteRows, "insert", real)
    assert one.flush()


def test_a_stumbling_writer_goes_on(
    make: Make, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make()
    real = SqliteRows.insert

    def bug(*_: object) -> NoReturn:
        raise RuntimeError("a bug")

    monkeypatch.setattr(SqliteRows, "insert", bug)
    one.append(trace())
    until(lambda: "a bug" in one.health().detail)
    monkeypatch.setattr(SqliteRows, "insert", real)
    assert one.flush()
    assert ids(path) == ["req_1"]


def test_a_row_that_sqlite_cannot_hold_does_not_stop_the_others(make: Make, path: Path) -> None:
    one = make()
    one.append(trace("poison", status=2**70))
    one.append(trace("good"))
    assert one.flush()
    assert ids(path) == ["good"]
    assert one.health().dropped == 1


def test_closing_while_locked_keeps_rows_for_the_next_start(make: Make, path: Path) -> None:
    one = make()
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    one.append(trace())
    one.close(timeout=1)
    lock.execute("ROLLBACK")
    lock.close()
    make()
    until(lambda: bool(ids(path)))
    assert ids(path) == ["req_1"]


def test_rows_are_readable_by_nobody_else(make: Make, path: Path) -> None:
    one = make()
    one.append(trace())
    assert one.flush()
    for name in os.listdir(path.parent):
        assert (path.parent / name).stat().st_mode & 0o077 == 0, name


def test_reading_what_is_not_there_says_so(make: Make, path: Path) -> None:
    one = make()
    one.close()
    path.unlink()
    with pytest.raises(StoreError, match="Cannot read"):
        traces(path)


# ---------------------------------------------------------------- retention


def test_rows_leave_when_their_time_is_over(make: Make, clock: FakeClock, path: Path) -> None:
    old = clock.time() - 191 * 86_400
    one = make()
    for i in range(450):
        one.append(trace(f"old{i}", at=old))
    one.append(trace("new", at=clock.time()))
    assert one.flush()
    one.close()
    two = make()
    until(lambda: ids(path) == ["new"])
    two.close()
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM bodies").fetchone() == (1,)
    db.close()


def test_less_than_six_months_is_warned_of(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        make(TracesConfig(retention_days=30))
    assert "EU AI Act" in caplog.text
