"""The journal: what was written is read back, what is torn is not, what is owned is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.traces import journal
from shortstop.traces.journal import FINISHED, OPENED, Journal


@pytest.fixture
def mine(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "j", fsync=False)


def only_segment(folder: Path) -> Path:
    (path,) = folder.glob("*.log")
    return path


def test_records_come_back_in_order(mine: Journal) -> None:
    mine.write(OPENED, b"one")
    mine.write(FINISHED, b"two" * 1000)
    assert list(journal.read(only_segment(mine.folder))) == [
        (OPENED, b"one"),
        (FINISHED, b"two" * 1000),
    ]


@given(cut=st.integers(min_value=1, max_value=40), noise=st.binary(max_size=50))
def test_a_torn_last_record_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
) -> None:
    path = tmp_path_factory.mktemp("torn") / "x.log"
    whole = journal.frame(FINISHED, b"kept") + journal.frame(OPENED, b"also kept")
    torn = journal.frame(FINISHED, b"x" * 40)[:-cut]
    path.write_bytes(whole + torn)
    assert [p for _, p in journal.read(path)] == [b"kept", b"also kept"]
    path.write_bytes(whole + noise)
    assert [p for _, p in journal.read(path)][:2] == [b"kept", b"also kept"]


def test_a_flipped_bit_is_noticed(mine: Journal) -> None:
    mine.write(FINISHED, b"payload")
    path = only_segment(mine.folder)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert list(journal.read(path)) == []


@pytest.mark.parametrize("cut", [1, 9, 20])
def test_a_segment_that_cannot_be_read_to_its_end_is_set_aside_and_named(
    mine: Journal, caplog: pytest.LogCaptureFixture, cut: int
) -> None:
    mine.write(FINISHED, b"kept")
    mine.write(FINISHED, b"payload of a row")
    path = only_segment(mine.folder)
    path.write_bytes(path.read_bytes()[:-cut])
    journal.retire(path)
    (aside,) = mine.folder.iterdir()
    assert aside.suffix == ".damaged"
    assert str(aside) in caplog.text
    assert list(journal.read(aside)) == [(FINISHED, b"kept")]
    journal.sweep_damaged(mine.folder, aside.stat().st_mtime)
    assert aside.exists()
    journal.sweep_damaged(mine.folder, aside.stat().st_mtime + 1)
    assert not aside.exists()


def test_a_segment_that_was_read_is_removed(
    mine: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    mine.write(FINISHED, b"kept")
    journal.retire(only_segment(mine.folder))
    assert list(mine.folder.iterdir()) == []
    assert caplog.text == ""


def test_no_altered_byte_makes_a_record_that_was_not_written(tmp_path: Path) -> None:
    records = [(OPENED, b"one"), (FINISHED, b"another one"), (FINISHED, b"")]
    whole = b"".join(journal.frame(*record) for record in records)
    path = tmp_path / "x.log"
    for place in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            found = list(journal.read(path))
            assert found == records[: len(found)]
            assert len(found) < len(records)
        path.write_bytes(whole[:place])
        assert list(journal.read(path)) == records[: len(list(journal.read(path)))]


def test_a_living_owners_segment_is_no_orphan(mine: Journal) -> None:
    mine.write(FINISHED, b"x")
    assert list(journal.orphans(mine.folder)) == []
    mine.close()
    assert [p.suffix for p in journal.orphans(mine.folder)] == [".log"]


def test_a_segment_is_emptied_when_its_rows_are_safe(mine: Journal) -> None:
    segment = mine.write(FINISHED, b"x")
    mine.write(FINISHED, b"y")
    mine.release(segment)
    assert segment.path.stat().st_size > 0
    mine.release(segment)
    assert segment.path.stat().st_size == 0
    mine.write(FINISHED, b"z")
    assert list(journal.read(segment.path)) == [(FINISHED, b"z")]


def test_a_full_segment_is_followed_and_removed(
    mine: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_SEGMENT_BYTES", 100)
    first = mine.write(FINISHED, b"x" * 200)
    second = mine.write(FINISHED, b"y")
    assert first is not second
    mine.release(first)
    assert not first.path.exists()
    assert second.path.exists()


def test_a_failed_write_leaves_no_half_record(
    mine: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = mine.write(FINISHED, b"good")
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:5]))
    with pytest.raises(OSError, match="only 5 of"):
        mine.write(FINISHED, b"half")
    monkeypatch.undo()
    assert mine.write(FINISHED, b"later") is not segment
    assert list(journal.read(segment.path)) == [(FINISHED, b"good")]


def test_closing_keeps_what_the_database_lacks(mine: Journal) -> None:
    mine.write(FINISHED, b"unsaved")
    mine.close()
    (path,) = journal.orphans(mine.folder)
    assert list(journal.read(path)) == [(FINISHED, b"unsaved")]


def test_closing_leaves_nothing_when_all_is_saved(mine: Journal) -> None:
    mine.release(mine.write(FINISHED, b"saved"))
    mine.close()
    assert list(mine.folder.iterdir()) == []


def test_only_the_owner_may_read(mine: Journal) -> None:
    segment = mine.write(FINISHED, b"x")
    assert segment.path.stat().st_mode & 0o777 == 0o600
    assert mine.folder.stat().st_mode & 0o777 == 0o700


def test_a_segment_that_never_got_its_name_is_swept_away(mine: Journal) -> None:
    mine.folder.mkdir()
    old, young = mine.folder / "1-0-a.new", mine.folder / "2-0-b.new"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    assert list(journal.orphans(mine.folder)) == []
    assert list(mine.folder.iterdir()) == [young]
