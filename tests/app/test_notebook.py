"""Recorded traffic in a notebook: rows, tables, grades and sums, and nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import shortstop
from shortstop.errors import ConfigError
from shortstop.types import Grade
from tests.app.recorded import NOW, config, dated, record, trace_of
from tests.flywheel.traffic import mails


@pytest.fixture
def home(tmp_path: Path) -> Path:
    rows = [trace_of(example) for example in dated(mails(20))]
    grade = Grade("r3", "acme", "reviewer", "big", 0.0, NOW, correction="loan")
    record(config(tmp_path), rows, [grade])
    return tmp_path


def test_rows_are_what_was_asked_and_answered(home: Path) -> None:
    rows = list(shortstop.open(home).traces())
    assert [row["id"] for row in rows] == [f"r{n}" for n in range(20)]
    assert {row["task"] for row in rows} == {"mail"}
    assert rows[0]["answer"] in ("card", "loan", "fees")
    assert rows[0]["request"]["messages"][0]["content"] == "Sort the mail."
    assert rows[-1]["at"] == datetime.fromtimestamp(NOW, UTC)


def test_a_window_and_a_task_choose_rows(home: Path) -> None:
    data = shortstop.open(home)
    assert len(list(data.traces(since=NOW - 300))) == 6
    assert len(list(data.traces(until=datetime.fromtimestamp(NOW - 300, UTC)))) == 14
    assert list(data.traces(task="other")) == []
    rows = data.traces(task="mail")
    assert list(rows) == list(rows), "they can be read again"


def test_tables(home: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    table = shortstop.open(home).traces().arrow()
    assert isinstance(table, arrow.Table)
    assert (table.num_rows, table.column("local").to_pylist()[0]) == (20, False)
    (grade,) = shortstop.open(home).grades()
    assert (grade["trace"], grade["correction"], grade["source"]) == ("r3", "loan", "reviewer")
    assert shortstop.open(home).report().total.requests == 20


def test_reading_changes_nothing(home: Path) -> None:
    before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file() and "-shm" not in p.name}
    list(shortstop.open(home).traces())
    assert {p: p.read_bytes() for p in before} == before


def test_what_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no data folder"):
        shortstop.open(tmp_path / "none")
    with pytest.raises(ConfigError):
        shortstop.open(config=tmp_path / "none.toml")
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    home = tmp_path / "home"
    record(config(home), [trace_of(example) for example in dated(mails(1))])
    with pytest.raises(ConfigError, match="pandas is not installed"):
        shortstop.open(home).traces().pandas()
