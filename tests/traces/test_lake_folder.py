"""A lake's files in a folder: whole, in their days, and nobody's while somebody else has it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from shortstop.traces.lake_folder import LakeFolder

DAYS = ["day=2026-11-18", "day=2026-11-19"]
NAMES = [f"{day}/part-a-{n}.parquet" for day in DAYS for n in range(2)]


@pytest.fixture
def folder(tmp_path: Path) -> LakeFolder:
    folder = LakeFolder(tmp_path)
    for name in NAMES:
        folder.add(name, name.encode())
    return folder


def test_files_come_back_by_day(folder: LakeFolder) -> None:
    assert list(folder.all()) == NAMES
    assert [folder.of_day(day) for day in (*DAYS, "day=2026-11-20")] == [NAMES[:2], NAMES[2:], []]
    assert [folder.read(name).decode() for name in NAMES] == NAMES
    folder.delete(NAMES[0])
    folder.delete(NAMES[0])
    folder.delete_before(DAYS[1])
    assert list(folder.all()) == NAMES[2:]
    with pytest.raises(FileNotFoundError):
        folder.read(NAMES[0])


def test_only_its_owner_reads_what_is_there(folder: LakeFolder, tmp_path: Path) -> None:
    paths = [path for path in tmp_path.rglob("*") if path.name.startswith(("day=", "part", "."))]
    assert {path.stat().st_mode & 0o077 for path in paths} == {0}


def test_a_file_that_was_replaced_is_another_version(folder: LakeFolder) -> None:
    before = folder.version(NAMES[0])
    assert folder.version(NAMES[0]) == before
    folder.replace(NAMES[0], b"another")
    assert folder.version(NAMES[0]) != before
    assert Path(folder.open(NAMES[0])).read_bytes() == b"another"


def test_drafts_of_the_dead_go_and_are_no_files(folder: LakeFolder, tmp_path: Path) -> None:
    draft = tmp_path / DAYS[0] / ".part-b-1.parquet.7-1.tmp"
    draft.write_bytes(b"half")
    with folder.alone():
        assert folder.of_day(DAYS[0]) == NAMES[:2]
    assert not draft.exists()


def test_who_adds_waits_for_who_is_alone(folder: LakeFolder) -> None:
    added = threading.Event()
    name = f"{DAYS[0]}/part-b-1.parquet"

    def add() -> None:
        folder.add(name, b"x")
        added.set()

    thread = threading.Thread(target=add)
    with folder.alone():
        thread.start()
        assert not added.wait(0.1)
    thread.join(10)
    assert folder.read(name) == b"x"


def test_one_that_is_away_is_not_made(tmp_path: Path) -> None:
    away = LakeFolder(tmp_path / "mount")
    for call in (away.check, lambda: list(away.all()), lambda: away.add(NAMES[0], b"x")):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            call()
    assert os.listdir(tmp_path) == []
