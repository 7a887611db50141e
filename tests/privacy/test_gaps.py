"""The gaps that a log reports are found as it grows, once each, in whichever file."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.privacy.audit import AuditEvent, AuditLog
from shortstop.privacy.gaps import Gaps
from tests.privacy.test_audit import KEY, written


def cut(path: Path, lines: list[bytes], left: int) -> None:
    """Somebody takes records off the end; the next writer says so."""
    path.write_bytes(b"".join(lines[:left]))
    AuditLog(path, KEY, clock=lambda: 77.0).close()


def test_a_gap_is_found_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    gaps = Gaps(path)
    assert gaps.newest() == []
    lines = written(path, 10)
    assert gaps.newest() == []
    cut(path, lines, 6)
    (gap,) = gaps.newest()
    assert (gap.n, gap.event.at) == (6, 77.0)
    assert gap.event.detail == "the head knows 10 records, found were 6"
    assert gaps.newest() == [gap]
    assert Gaps(path).newest() == [gap], "also for who looks later"


def test_what_is_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "a.log", []
    gaps = Gaps(path)
    monkeypatch.setattr("shortstop.privacy.gaps._WORD", b'"clear"')
    monkeypatch.setattr(gaps, "_note", seen.append)
    for total in (5, 10):
        written(path, 5)
        gaps.newest()
        assert len(seen) == total


def test_what_was_cut_off_and_written_on_is_noticed(tmp_path: Path) -> None:
    """Also where the log has grown beyond what was read, before anybody looked again."""
    path = tmp_path / "a.log"
    lines, gaps = written(path, 10), Gaps(path)
    gaps.newest()
    cut(path, lines, 6)
    written(path, 20)
    assert [gap.n for gap in gaps.newest()] == [6]
    assert [gap.n for gap in gaps.newest()] == [6]


def test_a_file_that_was_set_aside_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    lines, gaps = written(path, 10), Gaps(path)
    gaps.newest()
    cut(path, lines, 6)
    log = AuditLog(path, KEY, largest=1)
    log.append(AuditEvent(1.0, "clear", "t", "r"))
    log.close()
    assert path.with_name("a.log.000001").exists()
    assert [gap.n for gap in gaps.newest()] == [6]


def test_half_a_record_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    cut(path, written(path, 10), 6)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    gaps = Gaps(path)
    assert gaps.newest() == []
    path.write_bytes(whole)
    assert len(gaps.newest()) == 1
    path.write_bytes(whole + b'{"n":"gap"}\n')
    assert len(gaps.newest()) == 1
