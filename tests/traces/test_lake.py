"""The folder of files alone. What it promises together with a store: tests/stores/contract/lake."""

from __future__ import annotations

import importlib.util
import threading
from importlib.machinery import ModuleSpec
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shortstop.config import LakeConfig
from shortstop.errors import ConfigError, StoreError
from shortstop.private_files import replace_file
from shortstop.traces.document import place_of
from shortstop.traces.lake import DAY, Lake, drawn
from shortstop.types.rows import Row
from tests.stores.contract.world import row
from tests.traces.example import LOCAL, trace

TODAY = int(LOCAL.at // DAY)


def rows(*ids: str, conversation: str = "c") -> list[Row]:
    return [row(trace(id, conversation=conversation)) for id in ids]


def places(laid: list[Row]) -> list[str | None]:
    return [place_of(one.document) for one in laid]


def ids(folder: Path) -> list[list[str]]:
    return [pq.read_table(one)["id"].to_pylist() for one in sorted(folder.glob("*/*.parquet"))]


def test_without_pyarrow_a_lake_is_refused_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def lacking(name: str) -> ModuleSpec | None:
        return None if name == "pyarrow" else find(name)

    monkeypatch.setattr("shortstop.traces.lake.find_spec", lacking)
    assert Lake.of(LakeConfig()) is None
    with pytest.raises(ConfigError, match="pyarrow is not installed") as raised:
        Lake.of(LakeConfig(folder=str(tmp_path)))
    assert "make lake" in str(raised.value.hint)


def test_every_replica_draws_the_same_sample(tmp_path: Path) -> None:
    many = rows(*(f"r{i}" for i in range(400)))
    one, other = (places(Lake(tmp_path, 0.25).lay(many)) for _ in range(2))
    assert [place is None for place in one] == [place is None for place in other]
    assert [place is not None for place in one] == [drawn(f"r{i}") < 0.25 for i in range(400)]
    assert 60 < sum(place is not None for place in one) < 140


def test_a_file_is_its_owner_s_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    Lake(tmp_path).lay(rows("a", "b"))
    (file,) = tmp_path.glob("*/*")
    assert file.parent.name.startswith("day=2026-")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_rows_that_were_laid_are_not_laid_again(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    laid = lake.lay(rows("a"))
    assert lake.lay(laid) == laid
    assert ids(tmp_path) == [["a"]]


def test_a_damaged_document_and_one_without_content_stay_as_they_are(tmp_path: Path) -> None:
    odd = [rows("a")[0]._replace(document=document) for document in (b"{}", b"{", b"\xff")]
    assert Lake(tmp_path).lay(odd) == odd
    assert not list(tmp_path.glob("day=*"))


@pytest.mark.parametrize("at", [-1.0, 1e15, float("nan"), float("inf")])
def test_a_row_of_no_day_stays_in_the_database(tmp_path: Path, at: float) -> None:
    odd = [row(trace("a"))]
    columns = [at if one == LOCAL.at else one for one in odd[0].columns]
    odd = [odd[0]._replace(columns=tuple(columns))]
    assert Lake(tmp_path).lay(odd) == odd
    assert not list(tmp_path.glob("day=*"))


def test_what_no_file_can_hold_stays_in_the_database(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    plain = rows("a")[0]
    columns = ["\ud800" if one == "c" else one for one in plain.columns]
    odd = [plain._replace(columns=tuple(columns))]
    assert lake.lay(odd) == odd
    assert (lake.laid, lake.left) == (0, 1)


def test_erasing_waits_for_who_writes_and_reaches_what_that_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not whole yet is nobody's leftover."""
    lake, other = Lake(tmp_path), Lake(tmp_path)
    begun, erasing, erased = threading.Event(), threading.Event(), threading.Event()

    def slow(path: Path, data: bytes, *, flush: bool = False) -> None:
        if not begun.is_set():
            begun.set()
            assert erasing.wait(10)
            assert not erased.wait(0.1)
        replace_file(path, data, flush=flush)

    def erase() -> None:
        erasing.set()
        assert other.erase("default", "c", [TODAY]) == 1
        erased.set()

    monkeypatch.setattr("shortstop.traces.lake_folder.replace_file", slow)
    writer = threading.Thread(target=lake.lay, args=(rows("a"),))
    writer.start()
    assert begun.wait(10)
    eraser = threading.Thread(target=erase)
    eraser.start()
    writer.join(10)
    eraser.join(10)
    assert erased.is_set()
    assert ids(tmp_path) == []


def test_a_conversation_of_another_tenant_stays(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.lay([*rows("a"), row(trace("b", tenant="other", conversation="c")), row(trace("n"))])
    assert lake.erase("default", "c", [TODAY, TODAY + 1]) == 1
    assert ids(tmp_path) == [["b", "n"]]
    assert lake.erase("default", "c", [TODAY]) == 0


def test_a_damaged_file_is_no_erasure(tmp_path: Path) -> None:
    """What is in it cannot be said, so it is not said to be gone."""
    lake = Lake(tmp_path)
    lake.lay(rows("a"))
    (file,) = tmp_path.glob("*/*.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(StoreError, match=f"{file.name} is damaged"):
        lake.erase("default", "c", [TODAY])


def test_a_day_goes_when_all_of_it_is_over(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.lay(rows("a"))
    lake.expire((TODAY + 1) * DAY - 1)
    assert ids(tmp_path) == [["a"]]
    lake.expire((TODAY + 1) * DAY)
    assert not list(tmp_path.glob("day=*"))


def test_a_day_goes_with_what_the_dead_have_left(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.lay(rows("a"))
    next(tmp_path.glob("day=*")).joinpath(".draft.tmp").write_bytes(b"of a dead process")
    lake.expire((TODAY + 1) * DAY)
    assert not list(tmp_path.glob("day=*"))


def test_a_folder_that_is_away_expires_nothing_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Lake(tmp_path / "away").expire(LOCAL.at)
    assert f"cannot be deleted now: there is no folder {tmp_path / 'away'}" in caplog.text
    assert not (tmp_path / "away").exists()
