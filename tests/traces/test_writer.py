"""The writer: everything once and in order, again after a failure, and nothing left at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from shortstop.config import TracesConfig
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.ports.rows import SealDocument, SealGrade
from shortstop.traces import document, journal, writer
from shortstop.traces.backlog import Backlog
from shortstop.traces.content import ContentPolicy
from shortstop.traces.grades import encode, grade_row
from shortstop.traces.lake import Lake
from shortstop.traces.seal import Seal
from shortstop.traces.writer import Writer
from shortstop.types import Clearance, Grade, Reach, Tier
from shortstop.types.rows import COLUMNS, GradeRow, Row
from tests.conftest import FakeClock
from tests.stores.contract.world import grade, row
from tests.traces.example import trace

DAY = 86_400.0
PINNED = Clearance(Tier.S3, Reach.LOCAL_ONLY)


class Shelf:
    """A RowStore that remembers its calls, and fails when it is told to."""

    batch = 200

    def __init__(self) -> None:
        self.batches: list[tuple[list[str], list[GradeRow]]] = []
        self.written: list[Row] = []
        self.tiers: dict[str, Tier] = {}
        self.swept: list[float] = []
        self.old = 0
        self.failures: list[Exception] = []
        self.threads: set[str] = set()
        self.closed = False

    def open(self) -> None:
        pass

    def insert(self, rows: Sequence[Row], grades: Sequence[GradeRow] = ()) -> int:
        self.threads.add(threading.current_thread().name)
        if self.failures:
            raise self.failures.pop()
        self.batches.append(([one.columns[0] for one in rows], list(grades)))
        self.written += rows
        return sum(one.columns[0] == "twice" for one in rows)

    def expire(self, at: float, limit: int) -> int:
        self.swept.append(at)
        count, self.old = min(self.old, limit), max(0, self.old - limit)
        return count

    def forget(self, tenant: str, conversation: str, at: float) -> int:
        return 0

    def erased(self, rows: Sequence[Row]) -> dict[tuple[str, str], float]:
        return {}

    def days(self, tenant: str, conversation: str) -> set[int]:
        return set()

    def seal_earlier(self, document: SealDocument, grade: SealGrade, limit: int) -> int:
        return 0

    def tier(self, id: str) -> Tier | None:
        return self.tiers.get(id)

    def close(self) -> None:
        self.closed = True

    @property
    def rows(self) -> list[str]:
        return [id for ids, _ in self.batches for id in ids]

    @property
    def grades(self) -> list[GradeRow]:
        return [one for _, grades in self.batches for one in grades]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(writer, "BATCH_SECONDS", 0.005)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def backlog(folder: Path, clock: FakeClock) -> Backlog:
    return Backlog(folder, fsync=False, limit=10_000, clock=clock)


@pytest.fixture
def start(
    shelf: Shelf, backlog: Backlog, folder: Path, clock: FakeClock
) -> Iterator[Callable[[], Writer]]:
    writers: list[Writer] = []

    def begin(
        seal: Seal | None = None,
        leads: Callable[[], bool] = lambda: True,
        lake: Lake | None = None,
    ) -> Writer:
        policy = ContentPolicy(TracesConfig(), seal=seal)
        writers.append(Writer(shelf, backlog, folder, clock, 190 * DAY, policy, lake))
        writers[-1].leads = leads
        writers[-1].start()
        return writers[-1]

    yield begin
    for one in writers:
        one.stop(1)
    backlog.close()


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not claim():
        assert time.monotonic() < deadline, "this did not become true in time"
        time.sleep(0.005)


def put(backlog: Backlog, *ids: str) -> None:
    for id in ids:
        backlog.append(id, row(trace(id)))


def dead_journal(folder: Path, name: str, *records: tuple[int, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    frames = b"".join(journal.frame(kind, payload) for kind, payload in records)
    (folder / f"{name}.log").write_bytes(frames)


# ---------------------------------------------------------------- writing


def test_rows_are_written_in_order_in_batches_by_one_thread(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf
) -> None:
    ids = [f"r{i}" for i in range(2 * Shelf.batch + 50)]
    put(backlog, *ids)
    start().work.set()
    assert backlog.wait_until_written(5)
    assert shelf.rows == ids
    assert max(len(batch) for batch, _ in shelf.batches) == Shelf.batch
    assert shelf.threads == {"shortstop-traces"}


def test_rows_and_grades_of_a_batch_are_written_together(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf
) -> None:
    put(backlog, "a")
    backlog.append_grade(grade("a"))
    put(backlog, "b")
    start().work.set()
    assert backlog.wait_until_written(5)
    assert shelf.batches == [(["a", "b"], [grade("a")])]


def test_what_the_store_refuses_is_counted(start: Callable[[], Writer], backlog: Backlog) -> None:
    put(backlog, "once", "twice")
    start().work.set()
    assert backlog.wait_until_written(5)
    assert backlog.health().dropped == 1


@pytest.mark.parametrize(
    "failure", [StoreUnavailable("locked"), StoreError("damaged"), RuntimeError("a bug")]
)
def test_after_a_failure_the_same_batch_is_written_again(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf, failure: Exception
) -> None:
    shelf.failures = [failure] * 3
    put(backlog, "a", "b")
    start().work.set()
    until(lambda: backlog.health().state == "degraded")
    assert backlog.wait_until_written(5)
    assert shelf.batches == [(["a", "b"], [])]
    until(lambda: backlog.health().state == "ok")


def test_what_was_written_although_its_writing_failed_is_not_counted_as_refused(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf
) -> None:
    shelf.failures = [StoreUnavailable("the connection broke", retry_after=1.0)]
    shelf.tiers["twice"] = Tier.S0
    put(backlog, "a", "twice")
    start().work.set()
    assert backlog.wait_until_written(5)
    assert backlog.health().dropped == 1, "a, of which the database has nothing"


def test_a_bug_is_logged_once_with_its_place(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.failures = [RuntimeError("a bug")] * 5
    put(backlog, "a")
    with caplog.at_level(logging.ERROR, "shortstop.traces.writer"):
        start().work.set()
        assert backlog.wait_until_written(5)
    stumbles = [record for record in caplog.records if record.name == "shortstop.traces.writer"]
    assert len(stumbles) == 1
    assert stumbles[0].exc_info is not None


def test_what_waits_at_the_end_is_written_and_the_store_closed(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf
) -> None:
    one = start()
    until(lambda: bool(shelf.swept))
    put(backlog, "last")
    one.stop(5)
    assert one.stopped
    assert shelf.rows == ["last"]
    assert shelf.closed


def test_a_failure_at_the_end_leaves_the_journal(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf, folder: Path
) -> None:
    one = start()
    until(lambda: bool(shelf.swept))
    shelf.failures = [StoreUnavailable("locked")] * 100
    put(backlog, "kept")
    one.stop(5)
    assert backlog.close() == (1, 0)
    assert [kind for path in folder.glob("*.log") for kind, _ in journal.read(path)] == [
        journal.FINISHED
    ]


# ---------------------------------------------------------------- grades


def test_a_correction_waits_for_the_tier_of_its_trace(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf
) -> None:
    for id in ("written", "pinned", "late", "unknown"):
        original = Grade(id, "default", "user", "small", 0.5, 1.0, correction="better")
        row_of = grade_row(original)
        backlog.append_grade(row_of, original)
    put(backlog, "late")
    shelf.tiers = {"written": Tier.S2, "pinned": Tier.S3}
    start().work.set()
    assert backlog.wait_until_written(5)
    assert {one.trace: one.correction for one in shelf.grades} == {
        "written": b'"better"', "pinned": None, "late": b'"better"', "unknown": None,
    }  # fmt: skip
    assert not any(one.provisional for one in shelf.grades)


# ---------------------------------------------------------------- recovery and retention


def test_a_dead_journal_is_replayed_in_the_order_in_which_it_makes_sense(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf, folder: Path
) -> None:
    """A stream that finished before a row that says it was interrupted; grades after traces."""
    dead_journal(
        folder,
        "1-0-dead",
        (journal.GRADED, encode(grade("a"))),
        (journal.OPENED, row(trace("s", outcome="interrupted")).document),
        (journal.FINISHED, row(trace("a")).document),
        (99, b"of a later version"),
    )
    start()
    until(lambda: not list(folder.glob("*.log")))
    assert shelf.batches == [(["a"], []), (["s"], []), ([], [grade("a")])]


def test_a_failure_while_recovering_is_tried_again_and_nothing_removed(
    start: Callable[[], Writer], shelf: Shelf, folder: Path
) -> None:
    dead_journal(folder, "1-0-dead", (journal.FINISHED, row(trace("a")).document))
    shelf.failures = [StoreUnavailable("locked")] * 3
    start()
    until(lambda: not list(folder.glob("*.log")))
    assert shelf.rows == ["a"]


def test_an_unreadable_row_is_left_out_and_said(
    start: Callable[[], Writer], shelf: Shelf, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = row(trace("a")).document
    dead_journal(folder, "1-0-dead", (journal.FINISHED, b"{}"), (journal.FINISHED, good))
    start()
    until(lambda: not list(folder.glob("*.log")))
    assert shelf.rows == ["a"]
    assert "unreadable" in caplog.text


def test_what_an_earlier_version_left_open_in_its_journal_is_sealed(
    start: Callable[..., Writer], shelf: Shelf, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, seal = row(trace("a")).document, Seal("key")
    odd = msgspec.json.encode({**msgspec.json.decode(good), "id": "odd", "request": ["no", "body"]})
    dead_journal(folder, "1-0-dead", (journal.FINISHED, good), (journal.FINISHED, odd))
    start(seal)
    until(lambda: not list(folder.glob("*.log")))
    first, second = shelf.written
    assert b"Where is my card" not in first.document
    assert document.decode(first.document, seal).request == trace().request
    assert first.columns[COLUMNS.index("digest")].startswith("k")
    assert (second.columns[0], second.document) == ("odd", b"{}"), "its figures are kept"
    assert "not kept" in caplog.text


def test_what_cannot_be_read_to_its_end_is_set_aside(
    start: Callable[[], Writer], shelf: Shelf, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = row(trace("a")).document
    dead_journal(folder, "1-0-dead", (journal.FINISHED, good), (journal.FINISHED, good))
    (path,) = folder.glob("*.log")
    path.write_bytes(path.read_bytes()[:-5])
    start()
    until(lambda: not list(folder.glob("*.log")))
    assert shelf.rows == ["a"]
    assert [one.suffix for one in folder.iterdir()] == [".damaged"]
    until(lambda: "cannot be read" in caplog.text)


def test_the_old_is_deleted_a_batch_at_a_time_at_the_start(
    start: Callable[[], Writer], shelf: Shelf, clock: FakeClock
) -> None:
    shelf.old = 2 * Shelf.batch + 1
    start()
    until(lambda: len(shelf.swept) == 4)
    assert set(shelf.swept) == {clock.time() - 190 * DAY}


def test_who_does_not_lead_deletes_nothing(
    start: Callable[..., Writer], shelf: Shelf, backlog: Backlog
) -> None:
    shelf.old, asked = Shelf.batch, threading.Event()
    writer = start(leads=lambda: bool(asked.set()))
    assert asked.wait(20)
    put(backlog, "row")
    writer.work.set()
    until(lambda: shelf.rows == ["row"])
    assert shelf.swept == []


def test_between_two_batches_of_the_old_new_rows_are_written(
    start: Callable[[], Writer], backlog: Backlog, shelf: Shelf
) -> None:
    shelf.old = Shelf.batch
    real = shelf.expire

    def delete(at: float, limit: int) -> int:
        if not shelf.swept:
            put(backlog, "meanwhile")
        return real(at, limit)

    shelf.expire = delete  # type: ignore[method-assign]
    start()
    until(lambda: len(shelf.swept) == 2)
    assert shelf.rows == ["meanwhile"]


# ---------------------------------------------------------------- with a lake

HOURS = 10_000.0


@pytest.mark.parametrize("waited_for", [True, False])
def test_rows_are_gathered_for_a_file_until_somebody_waits_or_there_are_enough(
    start: Callable[..., Writer], shelf: Shelf, backlog: Backlog, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, waited_for: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(Shelf, "batch", 3)
    monkeypatch.setattr(writer, "FILE_ROWS", 3)
    writes = start(lake=Lake(tmp_path, gather=HOURS))
    until(lambda: len(shelf.swept) == 1)
    put(backlog, "a")
    writes.work.set()
    put(backlog, "b")
    if waited_for:
        writes.hurry.set()
    else:
        put(backlog, "c")
    gathered = ["a", "b"] if waited_for else ["a", "b", "c"]
    until(lambda: shelf.rows == gathered)
    assert len(list(tmp_path.glob("day=*/*.parquet"))) == len(shelf.batches) == 1


def test_the_end_waits_for_nobody(
    start: Callable[..., Writer], shelf: Shelf, backlog: Backlog, tmp_path: Path
) -> None:
    writes = start(lake=Lake(tmp_path, gather=HOURS))
    put(backlog, "a")
    writes.work.set()
    writes.stop(20)
    assert shelf.rows == ["a"]
    assert shelf.closed
