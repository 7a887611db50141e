"""The files of the lake: whole, compressed, without what was taken out; and only they are read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shortstop.traces import parquet
from shortstop.traces.lake_folder import LakeFolder
from shortstop.traces.parquet import GROUP, HELD, Contents, LaidRow, packed, without

FILE = "day=2026-11-18/part-0a-000001.parquet"
AT = datetime(2026, 11, 18, tzinfo=UTC)


def kept(id: str, conversation: str | None = "c", text: str = "x") -> LaidRow:
    return LaidRow(id, AT, "t", conversation, f'{{"a":"{text}"}}', "null")


def put(folder: Path, rows: list[LaidRow], file: str = FILE) -> Path:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(packed(rows))
    return path


def test_a_file_says_what_it_was_given(tmp_path: Path) -> None:
    rows = [kept("a"), kept("b", None, "ü\\u0000")]
    table = pq.read_table(put(tmp_path, rows))
    assert [LaidRow(**one) for one in table.to_pylist()] == rows


def test_contents_are_compressed_and_not_repeated_as_statistics(tmp_path: Path) -> None:
    path = put(tmp_path, [kept("a", text="word " * 1000), kept("b", text="word " * 1000)])
    assert path.stat().st_size < 5000
    assert b"word word" not in path.read_bytes()
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {one.compression for one in columns.values()} == {"ZSTD"}
    assert columns["request"].statistics is None
    assert columns["conversation"].statistics.min == "c"


def test_what_is_taken_out_is_in_no_byte(tmp_path: Path) -> None:
    path = put(tmp_path, [kept("a", "gone", "secret"), kept("b", "here"), kept("n", None)])
    left = without(path.read_bytes(), {("t", "gone"): None})
    assert left
    path.write_bytes(left)
    assert pq.read_table(path)["id"].to_pylist() == ["b", "n"]
    assert b"gone" not in left
    assert without(left, {("t", "gone"): None, ("another", "here"): None}) is None


def test_nothing_is_left_of_a_file_of_one_conversation(tmp_path: Path) -> None:
    assert without(packed([kept("a"), kept("b")]), {("t", "c"): None}) == b""


def test_what_was_asked_since_stays() -> None:
    file = packed([kept("a")])
    assert without(file, {("t", "c"): AT.timestamp() - 1}) is None
    assert without(file, {("t", "c"): AT.timestamp()}) == b""


def test_any_row_is_found_and_few_groups_stay_in_memory(tmp_path: Path) -> None:
    ids = [f"r{i}" for i in range(GROUP * (HELD + 4))]
    put(tmp_path, [kept(id, text=id) for id in ids])
    contents = Contents()
    for id in (*ids, ids[0], ids[-1]):
        assert contents.find(LakeFolder(tmp_path), FILE, id) == (f'{{"a":"{id}"}}', "null")
    assert len(contents._held) == HELD
    assert contents.find(LakeFolder(tmp_path), FILE, "another") is None


def test_a_group_is_read_once_while_the_file_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, contents = put(tmp_path, [kept("a"), kept("b")]), Contents()
    assert contents.find(LakeFolder(tmp_path), FILE, "a")
    with monkeypatch.context() as shut:
        shut.setattr(parquet.Contents, "_read", lambda *_: pytest.fail("was read again"))
        assert contents.find(LakeFolder(tmp_path), FILE, "b")
    path.unlink()
    put(tmp_path, [kept("b", text="other, and longer")])
    assert contents.find(LakeFolder(tmp_path), FILE, "a") is None
    assert contents.find(LakeFolder(tmp_path), FILE, "b") == ('{"a":"other, and longer"}', "null")


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "day=2026-11-18/../../x.parquet", f"{FILE}\n", ""]
)
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    """It comes from the database."""
    with pytest.raises(ValueError, match="no file of a lake"):
        Contents().find(LakeFolder(tmp_path), name, "a")
