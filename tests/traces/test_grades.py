"""Grades last like rows, and a correction is kept only where its trace's content would be."""

from __future__ import annotations

import base64
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.ports import Grades
from shortstop.stores.sqlite.rows import SqliteRows
from shortstop.traces import TraceStore, journal, writer
from shortstop.traces.content import ContentPolicy, Redact
from shortstop.traces.grades import decode, encode, grade_row, opened
from shortstop.traces.seal import LOCKED, Seal
from shortstop.types import Clearance, Grade, Json, Reach, Tier
from tests.conftest import FakeClock
from tests.traces.example import journal_of, open_store, reader, trace

PINNED = Clearance(Tier.S3, Reach.LOCAL_ONLY)
SECRET = "the walrus was Paul"
DAY = 86_400.0

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
    stores: list[TraceStore] = []

    def build(config: TracesConfig | None = None, **options: Any) -> TraceStore:
        options = {"busy_seconds": 0.05} | options
        stores.append(open_store(path, config or TracesConfig(), clock, **options))
        return stores[-1]

    yield build
    for one in stores:
        one.close(timeout=1)


def grade(trace: str = "t", **changes: Any) -> Grade:
    base = Grade(trace, "default", "user", "small", 0.25, 1.795e9, correction=SECRET)
    return replace(base, **changes)


def grades(path: Path, seal: Seal | None = None) -> list[Grade]:
    return list(reader(path, seal).grades())


def corrections(path: Path, seal: Seal | None = None) -> dict[str, str | None]:
    return {one.trace: one.correction for one in grades(path, seal)}


def holds(folder: Path, text: str = SECRET) -> bool:
    """Whether a file holds a correction that begins so: in a journal it is base64 of JSON."""
    start = f'"{text}'.encode()
    coded = base64.b64encode(start[: len(start) // 3 * 3])
    data = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    return text.encode() in data or coded in data


def locked(path: Path) -> sqlite3.Connection:
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    return lock


def unlock(lock: sqlite3.Connection) -> None:
    lock.execute("ROLLBACK")
    lock.close()


# ---------------------------------------------------------------- good times


def test_the_trace_store_is_the_port(make: Make) -> None:
    port: Grades = make()
    port.grade(grade())


def test_grades_come_back_whole_and_in_order_of_time(make: Make, path: Path) -> None:
    one = make()
    one.append(trace("t"))
    late = grade(source="reviewer", at=1.795e9 + 2, reference="big", grader="exact")
    early = grade(source="judge", value=None, at=1.795e9 + 1, correction=None)
    one.grade(late)
    one.grade(early)
    assert one.flush()
    assert grades(path) == [early, late]
    assert one.health().pending == one.health().dropped == 0


def test_graded_traces_are_what_a_training_set_asks_for(make: Make, path: Path) -> None:
    one = make()
    for id in ("a", "b", "c"):
        one.append(trace(id))
    one.grade(grade("a"))
    one.grade(grade("a", source="judge", at=1.795e9 + 1, correction=None))
    one.grade(grade("b", tenant="rival"))
    assert one.flush()
    ((row, judged),) = reader(path).graded(task="intent")
    assert row == trace("a")
    assert [one.source for one in judged] == ["user", "judge"]
    assert list(reader(path).graded(task="code")) == []


def test_the_latest_of_one_grader_wins_whatever_comes_first(make: Make, path: Path) -> None:
    one = make()
    one.append(trace("t"))
    one.grade(grade(value=0.9, at=1.795e9 + 5))
    one.grade(grade(value=0.1, at=1.795e9 + 4))
    one.grade(grade(value=0.5, at=1.795e9 + 5))
    assert one.flush()
    assert [one.value for one in grades(path)] == [0.5]


# ---------------------------------------------------------------- content


def redact(body: Json, tenant: str) -> Json:
    return {name: value.replace("Paul", f"[{tenant}]") for name, value in body.items()}


@pytest.mark.parametrize(
    ("config", "tier", "expected"),
    [
        (TracesConfig(), Tier.S0, SECRET),
        (TracesConfig(), Tier.S2, SECRET),
        (TracesConfig(), Tier.S3, None),
        (TracesConfig(sensitive_content="full"), Tier.S3, SECRET),
        (TracesConfig(sensitive_content="redacted"), Tier.S3, "the walrus was [default]"),
        (TracesConfig(content="digest"), Tier.S0, None),
        (TracesConfig(content="redacted"), Tier.S0, "the walrus was [default]"),
    ],
)
def test_a_correction_is_kept_as_the_content_of_its_trace_is(
    make: Make, path: Path, tmp_path: Path, config: TracesConfig, tier: Tier, expected: str | None
) -> None:
    one = make(config, redact=redact)
    one.append(trace("t", clearance=Clearance(tier, Reach.ANYWHERE)))
    one.grade(grade())
    assert holds(tmp_path) == (expected == SECRET), "nor in the journal"
    assert one.flush()
    assert corrections(path) == {"t": expected}
    one.close()
    assert holds(tmp_path) == (expected == SECRET)


@pytest.mark.parametrize("broken", ["\ud800", "kaput"])
def test_a_correction_that_cannot_be_kept_costs_no_grade(
    make: Make, path: Path, broken: str
) -> None:
    def fail(body: Json, tenant: str) -> Json:
        raise KeyError("oops")

    one = make(TracesConfig(content="redacted" if broken == "kaput" else "full"), redact=fail)
    one.append(trace("t"))
    one.grade(grade(correction=broken))
    assert one.flush()
    assert [(one.value, one.correction) for one in grades(path)] == [(0.25, None)]


def test_a_grade_with_impossible_names_is_no_error_on_the_street(
    make: Make, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = make()
    one.grade(grade("\ud800"))
    one.grade(grade("fine"))
    assert one.flush()
    assert [one.trace for one in grades(path)] == ["fine"]
    assert "is not kept" in caplog.text


def test_nothing_readable_reaches_a_file_with_a_seal(
    make: Make, path: Path, tmp_path: Path
) -> None:
    seal = Seal("key")
    one = make(seal=seal)
    one.append(trace("t"))
    one.grade(grade())
    assert not holds(tmp_path), "nor in the journal"
    assert one.flush()
    assert corrections(path, seal) == {"t": SECRET}
    assert corrections(path) == {"t": None}, "without the key"
    assert corrections(path, Seal("another")) == {"t": None}, "nor with another one"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.booleans())
def test_a_row_gives_back_what_it_was_made_of(correction: str, sealed: bool) -> None:
    seal = Seal("key") if sealed else None
    original = grade(correction=correction, grader="exact", reference="big", value=None)
    row = ContentPolicy(TracesConfig(), seal=seal).grade(original, Tier.S0)
    assert row.correction is not None
    assert row.correction.startswith(LOCKED) == sealed
    assert opened(decode(encode(row)), seal) == original


def test_a_correction_opens_in_its_own_row_only() -> None:
    row = ContentPolicy(TracesConfig(), seal=Seal("key")).grade(grade("a"), Tier.S0)
    for change in ({"trace": "b"}, {"source": "judge"}, {"target": "big"}, {"grader": "exact"}):
        with pytest.raises(StoreError):
            opened(replace(row, **change), Seal("key"))


# ---------------------------------------------------------------- traces that are not known


def test_a_grade_of_an_unknown_trace_keeps_its_value_and_no_correction(
    make: Make, path: Path, tmp_path: Path
) -> None:
    one = make()
    one.grade(grade("unknown"))
    assert not holds(tmp_path)
    assert one.flush()
    assert [(one.trace, one.value, one.correction) for one in grades(path)] == [
        ("unknown", 0.25, None)
    ]


def test_a_trace_of_before_the_start_is_known(make: Make, path: Path) -> None:
    one = make()
    one.append(trace("open"))
    one.append(trace("pinned", clearance=PINNED))
    one.close()
    two = make()
    two.grade(grade("open"))
    two.grade(grade("pinned"))
    assert two.flush()
    assert corrections(path) == {"open": SECRET, "pinned": None}


def test_a_trace_that_another_worker_writes_meanwhile_is_known_by_then(
    make: Make, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The correction waits in memory, and in no file, until the trace is in the database."""
    one, other = make(), make()
    real = SqliteRows.insert

    def other_first(store: SqliteRows, *args: Any) -> int:
        if store is one._store:
            raise StoreUnavailable("not yet")
        return real(store, *args)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteRows, "insert", other_first)
        one.grade(grade("open"))
        one.grade(grade("pinned"))
        assert not holds(tmp_path)
        other.append(trace("open"))
        other.append(trace("pinned", clearance=PINNED))
        assert other.flush()
    assert one.flush()
    assert corrections(path) == {"open": SECRET, "pinned": None}


def test_the_correction_waits_in_memory_while_the_database_is_locked(
    make: Make, path: Path, tmp_path: Path
) -> None:
    one = make()
    one.append(trace("first"))
    assert one.flush()
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    one.grade(grade("late"))
    one.grade(grade("secret"))
    row = {"late": Clearance(Tier.S0, Reach.ANYWHERE), "secret": PINNED}
    for id, clearance in row.items():
        one.append(trace(id, clearance=clearance))
    assert one.health().pending == 4
    assert not holds(tmp_path)
    unlock(lock)
    assert one.flush()
    assert corrections(path) == {"late": SECRET, "secret": None}


def test_a_trace_that_was_left_to_the_journal_is_known(make: Make, path: Path) -> None:
    one = make(TracesConfig(queue=10))
    one.append(trace("first"))
    assert one.flush()
    lock = locked(path)
    for i in range(30):
        pinned = {"clearance": PINNED} if i % 2 else {}
        one.append(trace(f"r{i}", at=1.795e9 + i, **pinned))
    one.grade(grade("r0"))
    one.grade(grade("r1"))
    unlock(lock)
    assert one.flush()
    assert corrections(path) == {"r0": SECRET, "r1": None}


# ---------------------------------------------------------------- bad times


def test_a_locked_database_keeps_grades_in_the_journal(make: Make, path: Path) -> None:
    one = make()
    one.append(trace("t"))
    assert one.flush()
    lock = locked(path)
    for i in range(20):
        one.grade(grade(source="judge", grader=f"g{i:02}", at=1.795e9 + i))
    health = one.health()
    assert (health.pending, health.durable) == (20, True)
    unlock(lock)
    assert one.flush()
    assert [one.grader for one in grades(path)] == [f"g{i:02}" for i in range(20)]


def test_a_full_queue_of_journalled_grades_loses_nothing(make: Make, path: Path) -> None:
    one = make(TracesConfig(queue=10))
    one.append(trace("t"))
    assert one.flush()
    lock = locked(path)
    for i in range(95):
        one.grade(grade(grader=f"g{i:02}", at=1.795e9 + i))
    assert one.health().pending == 95
    unlock(lock)
    assert one.flush()
    assert [(one.grader, one.correction) for one in grades(path)] == [
        (f"g{i:02}", SECRET) for i in range(95)
    ]
    one.close()
    assert list(journal_of(path).iterdir()) == []


def test_when_all_fails_the_oldest_are_dropped_and_counted(
    make: Make, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    one = make(TracesConfig(queue=10))
    monkeypatch.setattr(journal.Segment, "write", no_space)
    lock = locked(path)
    for i in range(40):
        one.grade(grade(f"t{i:02}", correction=None, at=1.795e9 + i))
    assert one.health().state == "losing"
    dropped = one.health().dropped
    unlock(lock)
    assert one.flush()
    left = [one.trace for one in grades(path)]
    assert len(left) + dropped == 40
    assert left[-10:] == [f"t{i}" for i in range(30, 40)]


def test_what_is_closed_while_locked_is_there_after_the_next_start(make: Make, path: Path) -> None:
    one = make()
    one.append(trace("t"))
    assert one.flush()
    lock = locked(path)
    one.grade(grade())
    one.close(timeout=1)
    unlock(lock)
    make()
    deadline = time.monotonic() + 5
    while not grades(path):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert corrections(path) == {"t": SECRET}


def test_an_unreadable_grade_in_a_journal_is_left_out(
    make: Make, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = journal_of(path)
    folder.mkdir()
    payloads = [b"{}", encode(grade_row(grade("good")))]
    frames = [journal.frame(journal.GRADED, payload) for payload in payloads]
    (folder / "1-0-dead.log").write_bytes(b"".join(frames))
    one = make()
    deadline = time.monotonic() + 5
    while list(folder.glob("1-*.log")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert one.flush()
    assert [one.trace for one in grades(path)] == ["good"]
    assert "unreadable" in caplog.text


def test_threads_may_grade_while_others_append(make: Make, path: Path) -> None:
    one = make()

    def work(name: str) -> None:
        for i in range(50):
            one.append(trace(f"{name}-{i}"))
            one.grade(grade(f"{name}-{i}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.flush()
    assert set(corrections(path).values()) == {SECRET}
    assert len(grades(path)) == 200


# ---------------------------------------------------------------- the end of a grade


def test_grades_leave_when_the_time_of_their_trace_is_over(
    make: Make, path: Path, clock: FakeClock
) -> None:
    old = clock.time() - 191 * DAY
    one = make()
    one.append(trace("old", at=old))
    one.append(trace("new", at=clock.time()))
    for id, at in (
        ("old", clock.time()), ("new", clock.time()), ("gone", old), ("late", clock.time()),
    ):  # fmt: skip
        one.grade(grade(id, at=at))
    assert one.flush()
    one.close()
    make()
    deadline = time.monotonic() + 5
    while len(grades(path)) > 2:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert sorted(corrections(path)) == ["late", "new"]


def test_erasing_a_conversation_erases_its_corrections(
    make: Make, path: Path, tmp_path: Path
) -> None:
    one = make()
    for id, tenant, conversation in (("a", "acme", "c1"), ("b", "acme", "c2")):
        one.append(trace(id, tenant=tenant, conversation=conversation))
    one.grade(grade("a", tenant="acme", correction=f"{SECRET} a"))
    one.grade(grade("a", tenant="acme", source="reviewer", correction=f"{SECRET} a"))
    one.grade(grade("b", tenant="acme", correction=f"{SECRET} b"))
    assert one.forget("acme", "c1") == 1
    assert corrections(path) == {"a": None, "b": f"{SECRET} b"}
    assert [one.value for one in grades(path)] == [0.25] * 3
    one.close()
    assert not holds(tmp_path, f"{SECRET} a")
    assert holds(tmp_path, f"{SECRET} b")


def test_a_database_that_stumbles_over_grades_heals(
    make: Make, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = make()
    real = SqliteRows.insert

    def bug(*_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(SqliteRows, "insert", bug)
    with caplog.at_level(logging.CRITICAL):
        one.grade(grade(correction=None))
        deadline = time.monotonic() + 5
        while "a bug" not in one.health().detail:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    monkeypatch.setattr(SqliteRows, "insert", real)
    assert one.flush()
    assert len(grades(path)) == 1


def test_redaction_is_asked_for_the_callers_tenant() -> None:
    tenants: list[str] = []

    def listen(body: Json, tenant: str) -> Json:
        tenants.append(tenant)
        return body

    redactor: Redact = listen
    ContentPolicy(TracesConfig(content="redacted"), redactor).grade(grade(tenant="acme"), Tier.S1)
    assert tenants == ["acme"]
