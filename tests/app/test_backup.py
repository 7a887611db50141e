"""A copy of the data folder has every acknowledged row, and is whole or not there."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from shortstop.app.backup import back_up, lake_outside
from shortstop.config import Config, TracesConfig
from shortstop.errors import ConfigError, StoreError
from shortstop.stores import Paths, open_stores
from shortstop.traces import TraceStore
from shortstop.traces.lake_folder import LakeFolder
from tests.conftest import FakeClock
from tests.lakes import BucketOfFiles, files_in
from tests.traces.example import open_store, trace


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.of(tmp_path / "home", Config())


def ids(paths: Paths) -> set[str]:
    rows = open_stores(paths).rows()
    store = TraceStore(rows, paths.journal, TracesConfig(), FakeClock())
    assert store.flush(60)
    store.close()
    with closing(sqlite3.connect(paths.traces)) as db:
        return {id for (id,) in db.execute("SELECT id FROM traces")}


def test_what_is_acknowledged_while_it_runs_is_in_the_copy(paths: Paths, tmp_path: Path) -> None:
    store = open_store(paths.traces, TracesConfig(), FakeClock())
    wanted = set()
    seen: dict[str, int] = {}

    def more(name: str, size: int) -> None:
        seen[name] = size
        store.append(trace(f"while-{len(seen)}"))

    for number in range(50):
        store.append(trace(f"t-{number}"))
        wanted.add(f"t-{number}")
    back_up(paths, tmp_path / "copy", more)
    store.close()
    assert seen["traces.db"] > 0
    copy = Paths.of(tmp_path / "copy", Config())
    assert ids(copy) >= wanted


def test_models_and_what_belongs_to_processes_stay_out(paths: Paths, tmp_path: Path) -> None:
    for name in ("models/m.gguf", "owners/7", "specialists/a/about.json", "content.key",
                 "brain.bin", "x.lock", ".brain.bin.7-a.tmp"):  # fmt: skip
        path = paths.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")
    back_up(paths, tmp_path / "copy", lambda *_: None)
    found = sorted(p for p in (tmp_path / "copy").rglob("*") if p.is_file())
    assert [str(p.relative_to(tmp_path / "copy")) for p in found] == [
        "brain.bin", "content.key", "specialists/a/about.json",
    ]  # fmt: skip
    assert {stat.S_IMODE(p.stat().st_mode) for p in found} == {0o600}


def test_a_lake_is_copied_last_and_whole(paths: Paths, tmp_path: Path) -> None:
    """A file that came after the databases were copied is there for the rows that name it."""
    lake = tmp_path / "lake"
    names = ["day=2026-11-26/part-a-000001.parquet", "day=2026-11-27/part-a-000002.parquet"]
    for name in (*names, ".lock", "day=2026-11-27/.part.7.tmp"):
        (lake / name).parent.mkdir(parents=True, exist_ok=True)
        (lake / name).write_bytes(name.encode())
    paths.home.mkdir()
    (paths.home / "brain.bin").write_bytes(b"1")
    order: list[str] = []
    back_up(paths, tmp_path / "copy", lambda name, _: order.append(name), LakeFolder(lake))
    assert order == ["brain.bin", *(f"lake/{name}" for name in names)]
    assert {(tmp_path / "copy" / "lake" / name).read_bytes().decode() for name in names} == {*names}


def test_a_lake_that_is_not_mounted_leaves_no_copy(paths: Paths, tmp_path: Path) -> None:
    paths.home.mkdir()
    with pytest.raises(ConfigError, match="there is no folder"):
        back_up(paths, tmp_path / "copy", lambda *_: None, LakeFolder(tmp_path / "lake"))
    assert [p.name for p in tmp_path.iterdir()] == ["home"]


def test_a_lake_in_the_data_folder_is_copied_with_it(paths: Paths) -> None:
    assert lake_outside(paths, None) is None
    assert lake_outside(paths, str(paths.home / "lake")) is None
    assert lake_outside(paths, "/mnt/lake") == "/mnt/lake"
    assert lake_outside(paths, "s3://bucket/rows") == "s3://bucket/rows"


def test_a_bucket_is_copied_as_well(paths: Paths, tmp_path: Path) -> None:
    paths.home.mkdir()
    with files_in("bucket", tmp_path / "lake") as place:
        files, name = place.lake().files, "day=2026-11-26/part-a-000001.parquet"
        files.add(name, b"1")
        back_up(paths, tmp_path / "copy", lambda *_: None, files)
        assert (tmp_path / "copy" / "lake" / name).read_bytes() == b"1"
        assert isinstance(place, BucketOfFiles)
        place.server.fault = lambda method, _: 403 if method == "HEAD" else None
        with pytest.raises(StoreError, match=r"cannot be copied: .*ACCESS_DENIED"):
            back_up(paths, tmp_path / "another", lambda *_: None, files)
    assert not (tmp_path / "another").exists()


def test_a_damaged_database_leaves_no_copy(paths: Paths, tmp_path: Path) -> None:
    paths.home.mkdir()
    paths.accounts.write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    with pytest.raises(StoreError, match=r"accounts\.db"):
        back_up(paths, tmp_path / "copy", lambda *_: None)
    assert [p.name for p in tmp_path.iterdir()] == ["home"]


def test_it_is_begun_only_where_it_can_end(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no data folder"):
        back_up(paths, tmp_path / "copy", lambda *_: None)
    paths.home.mkdir()
    (paths.home / "brain.bin").write_bytes(b"1")
    with pytest.raises(ConfigError, match="there already"):
        back_up(paths, paths.home, lambda *_: None)
    with pytest.raises(ConfigError, match="inside the data folder"):
        back_up(paths, paths.home / "copy", lambda *_: None)
