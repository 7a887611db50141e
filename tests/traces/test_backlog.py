"""The backlog: bounded, in order, and journalled before anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shortstop.traces import journal
from shortstop.traces.backlog import JOURNAL_RETRY_SECONDS, Backlog, Waiting
from shortstop.types import Clearance, Grade, Reach, Tier
from shortstop.types.rows import GradeRow, Row
from tests.conftest import FakeClock
from tests.stores.contract.world import grade, row
from tests.traces.example import trace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def backlog(folder: Path, limit: int = 100, clock: FakeClock | None = None) -> Backlog:
    return Backlog(folder, fsync=False, limit=limit, clock=clock or FakeClock())


def records(folder: Path) -> list[int]:
    """The kinds of all records in the journal."""
    return [kind for path in sorted(folder.glob("*.log")) for kind, _ in journal.read(path)]


def ids(items: list[Row | GradeRow]) -> list[str]:
    return [item.trace if isinstance(item, GradeRow) else item.columns[0] for item in items]


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_rows_and_grades_leave_in_the_order_in_which_they_came(folder: Path) -> None:
    waiting = backlog(folder)
    for i in range(3):
        waiting.append(f"r{i}", row(trace(f"r{i}")))
        waiting.append_grade(grade(f"g{i}"))
    assert len(waiting) == 6
    batch = waiting.take(4)
    assert ids([one.item for one in batch]) == ["r0", "g0", "r1", "g1"]
    assert waiting.health().pending == 6
    waiting.put_back(batch)
    assert ids([one.item for one in waiting.take(9)]) == ["r0", "g0", "r1", "g1", "r2", "g2"]
    waiting.close()


def test_everything_is_in_the_journal_until_it_is_written(folder: Path) -> None:
    waiting = backlog(folder)
    waiting.open("s", row(trace("s")).document)
    waiting.append("s", row(trace("s")))
    waiting.append_grade(grade("s"))
    assert records(folder) == [journal.OPENED, journal.FINISHED, journal.GRADED]
    waiting.written(waiting.take(9), refused=1)
    assert records(folder) == []
    health = waiting.health()
    assert (health.pending, health.dropped) == (0, 1)
    assert waiting.wait_until_written(0)
    assert waiting.close() == (0, 0)


@given(
    limit=st.integers(1, 8),
    steps=st.lists(
        st.sampled_from(["append", "append", "grade", "take", "written", "failed", "spilled"]),
        max_size=60,
    ),
)
@example(limit=1, steps=["append", "take", "append", "append", "failed", "append", "spilled"])
def test_nothing_that_is_journalled_is_ever_lost(
    tmp_path_factory: pytest.TempPathFactory, limit: int, steps: list[str]
) -> None:
    """Whatever comes while the writer has a batch in its hands: each record is written once, or
    still pending, and every segment that is left to be read again is there."""
    folder = tmp_path_factory.mktemp("j") / "journal"
    waiting, written, number = backlog(folder, limit), [], 0
    batch: list[Waiting] = []
    for step in steps:
        if step == "append":
            waiting.append(f"r{number}", row(trace(f"r{number}")))
            number += 1
        elif step == "grade":
            waiting.append_grade(grade(f"r{number}"))
            number += 1
        elif step == "take":
            batch = batch or waiting.take(3)
        elif step == "written":
            written += ids([one.item for one in batch])
            waiting.written(batch, refused=0)
            batch = []
        elif step == "failed":
            waiting.put_back(batch)
            batch = []
        elif not batch and (segment := waiting.spilled()) is not None:
            kinds = [kind for kind, _ in journal.read(segment.path)]
            written += ["spilled"] * segment.spilled
            assert len(kinds) >= segment.spilled
            waiting.spilled_written(segment)
        assert all(path.exists() for path in waiting.spilled_paths())
        assert step == "failed" or len(waiting) <= limit + 3
        assert waiting.health().pending == number - len(written)
    assert waiting.health().dropped == 0
    waiting.put_back(batch)
    pending, memory_only = waiting.close()
    assert (pending, memory_only) == (number - len(written), 0)


def test_the_tier_of_a_row_in_memory_is_known(folder: Path) -> None:
    waiting = backlog(folder)
    pinned = Clearance(Tier.S3, Reach.LOCAL_ONLY)
    waiting.append("open", row(trace("open")))
    waiting.append("pinned", row(trace("pinned", clearance=pinned)))
    waiting.append_grade(grade("graded"))
    batch = waiting.take(1)
    found = [waiting.tier(id) for id in ("open", "pinned", "graded", "none")]
    assert found == [Tier.S0, Tier.S3, None, None], "also while it is being written"
    waiting.written(batch, refused=0)
    assert waiting.tier("open") is None
    waiting.close()


def test_a_correction_that_waits_counts_for_the_bound(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortstop.traces.backlog.QUEUE_BYTES", 1000)
    waiting = backlog(folder)
    long = Grade("t", "default", "user", "small", None, 0.0, correction="x" * 2000)
    waiting.append_grade(grade("t", correction=None, provisional=True), long)
    assert len(waiting) == 0, "left to the journal"
    assert waiting.health().pending == 1
    assert waiting.spilled_paths() == list(folder.glob("*.log"))
    waiting.close()


def test_a_journal_that_fails_is_tried_again_after_a_while(
    folder: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = backlog(folder, clock=clock)
    with monkeypatch.context() as patch:
        patch.setattr(journal.Segment, "write", no_space)
        waiting.append("a", row(trace("a")))
    assert not waiting.health().durable
    waiting.append("b", row(trace("b")))
    assert records(folder) == []
    clock.advance(JOURNAL_RETRY_SECONDS)
    waiting.append("c", row(trace("c")))
    assert records(folder) == [journal.FINISHED]
    assert waiting.health().durable
    assert waiting.close() == (3, 2)


def test_only_what_is_nowhere_else_is_dropped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = backlog(folder, limit=2)
    waiting.append("journalled", row(trace("journalled")))
    monkeypatch.setattr(journal.Segment, "write", no_space)
    for id in ("a", "b", "c"):
        waiting.append(id, row(trace(id)))
    assert ids([one.item for one in waiting.take(9)]) == ["b", "c"]
    health = waiting.health()
    assert (health.state, health.dropped, health.pending) == ("losing", 1, 3)
    waiting.close()


def test_a_stream_whose_row_is_dropped_frees_its_journal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = backlog(folder, limit=1)
    waiting.open("s", row(trace("s")).document)
    monkeypatch.setattr(journal.Segment, "write", no_space)
    waiting.append("s", row(trace("s")))
    waiting.append("t", row(trace("t")))
    waiting.close()
    assert records(folder) == []
