"""The guarantee, with real processes and kill -9: what was handed on is on the books."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortstop.config import TracesConfig
from shortstop.traces.grades import decode
from shortstop.traces.journal import GRADED, read
from shortstop.types import Trace
from tests.conftest import FakeClock
from tests.traces.example import journal_of, open_store, reader, traces

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "traces.db"


def start(path: Path, name: str, mode: str = "plain") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.traces.appender", str(path), name, mode],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> list[str]:
    """Everything that it said before it died."""
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGKILL
    return said.split("\n")[:-1]


def recovered(path: Path) -> dict[str, Trace]:
    store = open_store(path, TracesConfig(), FakeClock())
    try:
        deadline = time.monotonic() + 10
        journal = journal_of(path)
        while any(p.stat().st_size for p in journal.glob("*.log")):
            assert time.monotonic() < deadline, "the journals were not replayed in time"
            time.sleep(0.01)
        assert store.flush()
        rows = traces(path)
    finally:
        store.close()
    found = {row.id: row for row in rows}
    assert len(found) == len(rows)
    assert not list(journal.glob("*.log"))
    return found


def recovered_grades(path: Path) -> dict[str, dict[str, str | None]]:
    """By trace and source: the correction. Call after `recovered`."""
    found: dict[str, dict[str, str | None]] = {}
    for grade in reader(path).grades():
        assert grade.source not in found.setdefault(grade.trace, {}), "one grade, once"
        found[grade.trace][grade.source] = grade.correction
    return found


def all_graded(path: Path, said: list[str]) -> int:
    """Check that every grade that was handed on is there as it should be; how many traces."""
    recovered(path)
    grades = recovered_grades(path)
    graded = [line.removeprefix("graded ") for line in said if line.startswith("graded ")]
    for id in graded:
        pinned = int(id.split("-")[1]) % 3 == 0
        expected = None if pinned else f"correction of {id}"
        assert grades[id] == {"user": expected, "judge": None}
    return len(graded)


@pytest.mark.parametrize("after", [0.0, 0.03, 0.11, 0.4])
def test_kill_loses_no_grade_that_was_handed_on(path: Path, after: float) -> None:
    process = start(path, "g", "grade")
    time.sleep(after)
    all_graded(path, kill(process))


def test_kill_while_the_database_is_locked_loses_no_grade_and_tells_no_secret(path: Path) -> None:
    process = start(path, "g", "grade")
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    time.sleep(0.4)
    said = kill(process)
    inside = {id for (id,) in lock.execute("SELECT DISTINCT trace FROM grades")}
    lock.execute("ROLLBACK")
    lock.close()
    rows = [
        decode(p) for file in journal_of(path).glob("*.log") for k, p in read(file) if k == GRADED
    ]
    corrections = {row.trace: row.correction for row in rows if row.source == "user"}
    assert len(set(corrections) - inside) > 50, "the lock kept grades out of the database"
    assert all((c is None) == (int(id.split("-")[1]) % 3 == 0) for id, c in corrections.items())
    assert all_graded(path, said) > 50


@pytest.mark.parametrize("after", [0.0, 0.03, 0.11, 0.4])
def test_kill_loses_no_row_that_was_handed_on(path: Path, after: float) -> None:
    process = start(path, "a")
    time.sleep(after)
    said = kill(process)
    assert set(said) <= set(recovered(path))


def test_kill_while_the_database_is_locked_loses_nothing(path: Path) -> None:
    process = start(path, "a")
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    time.sleep(0.3)
    said = kill(process)
    inside = {id for (id,) in lock.execute("SELECT id FROM traces")}
    lock.execute("ROLLBACK")
    lock.close()
    assert len(set(said) - inside) > 100, "the lock kept rows out of the database"
    assert set(said) <= set(recovered(path))


def test_a_stream_that_was_cut_by_death_is_interrupted(path: Path) -> None:
    process = start(path, "s", "stream")
    time.sleep(0.2)
    said = kill(process)
    found = recovered(path)
    opened = {line.removeprefix("open ") for line in said if line.startswith("open ")}
    finished = {line for line in said if not line.startswith("open ")}
    assert opened <= set(found)
    assert all(found[id].outcome == "ok" for id in finished)
    assert all(found[id].outcome in ("ok", "interrupted") for id in opened - finished)


def test_several_processes_share_a_database_and_die(path: Path) -> None:
    processes = [start(path, name) for name in "abc"]
    time.sleep(0.3)
    said = [id for process in processes for id in kill(process)]
    assert {id[0] for id in said} == set("abc")
    assert set(said) <= set(recovered(path))


def test_a_living_process_keeps_its_journal_while_another_recovers(path: Path) -> None:
    dead, alive = start(path, "dead"), start(path, "alive")
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    time.sleep(0.1)
    died = kill(dead)
    lock.execute("ROLLBACK")
    lock.close()
    middle = open_store(path, TracesConfig(), FakeClock())
    time.sleep(0.3)
    middle.close()
    said = kill(alive)
    assert set(said) | set(died) <= set(recovered(path))


def test_a_disk_that_is_full_degrades_loudly_and_serving_goes_on(path: Path) -> None:
    process = start(path, "t", "tiny")
    assert process.stdout is not None
    said = _until(process.stdout, "health degraded")
    assert len(said) > 100
    more = [process.stdout.readline() for _ in range(200)]
    assert len(more) == 200, "appending goes on"
    kill(process)
    found = recovered(path)
    durable = said[: len(said) // 2]
    assert set(durable) <= set(found)


def _until(lines: Iterator[str], start: str) -> list[str]:
    ids: list[str] = []
    for line in lines:
        if line.startswith(start):
            return ids
        if not line.startswith("health"):
            ids.append(line.strip())
    raise AssertionError(f"never said {start!r}")
