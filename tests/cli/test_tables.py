"""Tables are read from Parquet, CSV and JSONL; what cannot be read is one sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from shortstop.cli.tables import column, graded, read_rows
from shortstop.errors import ConfigError

ROWS = [{"id": "1", "score": 0.5}, {"id": "2", "score": 1.0}]


def test_lines_of_json(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    assert read_rows(file) == ROWS


def test_commas_and_quotes(tmp_path: Path) -> None:
    file = tmp_path / "T.CSV"
    file.write_text('id,prompt\n1,"a, ""quoted"" text\nwith a line break"\n', encoding="utf-8")
    assert read_rows(file) == [{"id": "1", "prompt": 'a, "quoted" text\nwith a line break'}]


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist(ROWS), tmp_path / "t.parquet")
    assert read_rows(tmp_path / "t.parquet") == ROWS


def test_parquet_without_its_library_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigError, match="pip install pyarrow"):
        read_rows(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.jsonl", b"{not json"),
        ("t.jsonl", b"[1, 2]"),
        ("t.csv", b"\xff\xfe\x00"),
        ("t.parquet", b"not parquet"),
        ("none.csv", None),
    ],
)
def test_what_cannot_be_read_names_the_file(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=name):
        read_rows(tmp_path / name)


def test_a_column_is_numbers() -> None:
    assert column([{"a": "0.5"}, {"a": 2}], "a").tolist() == [0.5, 2.0]


@pytest.mark.parametrize("wrong", ["much", None, "nan", "inf"])
def test_the_first_row_without_a_number_is_named(wrong: str | None) -> None:
    with pytest.raises(ConfigError, match="Row 2 of the table has no number as 'a'"):
        column([{"a": 1}, {"a": wrong}, {"a": wrong}], "a")
    with pytest.raises(ConfigError, match="Row 1"):
        column([{}], "a")


def test_a_table_that_is_not_there_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--data FILE"):
        graded(tmp_path / "none.csv")
