"""Recorded rows as files: the same in every form, masked where they must be, a page at a time."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from shortstop.app import trace_files as module
from shortstop.app.recorded import Recorded
from shortstop.app.trace_files import TraceFiles
from shortstop.errors import ConfigError, InvalidRequest
from shortstop.stores import Paths, open_stores
from shortstop.types import Grade, Json
from shortstop.types.console import ContentShown, FileForm, FileWanted, RowFilter
from tests.app.recorded import NOW, TOML, config, dated, record, trace_of
from tests.flywheel.traffic import mails

ALL = RowFilter(kept="all")


def redact(body: Json, tenant: str) -> Json:
    assert tenant == "acme"
    clean: Json = json.loads(json.dumps(body).replace("Sort", "[VERB]").replace("loan", "[DEBT]"))
    return clean


def files(home: Path, toml: str = TOML, redact: Any = redact) -> TraceFiles:
    settings = config(home, toml=toml)
    paths = Paths.of(home, settings)
    return TraceFiles(open_stores(paths).figures(), Recorded(settings, {}, paths), redact)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    rows = [trace_of(example) for example in dated(mails(25))]
    grade = Grade("r3", "acme", "reviewer", "big", 0.0, NOW, correction="a loan")
    record(config(tmp_path), rows, [grade])
    return tmp_path


def made(
    home: Path, form: FileForm, content: ContentShown = "full", chosen: RowFilter = ALL
) -> list[Any]:
    """The lines of a file."""
    pieces = files(home).made(FileWanted(chosen, form, content))
    return [json.loads(line) for line in b"".join(pieces).splitlines()]


@pytest.mark.parametrize("rows", [7, 25, 200])
def test_every_row_is_there_once_whatever_a_page_holds(
    home: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", rows)
    assert [row["id"] for row in made(home, "jsonl")] == [f"r{n}" for n in range(25)]
    since = RowFilter(kept="all", since=NOW - 300)
    assert [row["id"] for row in made(home, "jsonl", chosen=since)] == [
        f"r{n}" for n in range(19, 25)
    ]
    assert made(home, "jsonl", chosen=RowFilter(kept="all", task="other")) == []


def test_content_is_shown_as_far_as_it_is_asked_for(home: Path) -> None:
    (closed, masked, opened) = (
        made(home, "jsonl", content)[3]
        for content in ("none", "masked", "full")  # type: ignore[arg-type]
    )
    assert (closed["request"], closed["response"]) == (None, None)
    assert masked["request"]["messages"][0]["content"] == "[VERB] the mail."
    assert opened["request"]["messages"][0]["content"] == "Sort the mail."
    assert closed["id"] == masked["id"] == opened["id"]


def test_what_cannot_be_masked_is_not_shown(home: Path) -> None:
    def broken(body: Json, tenant: str) -> Json:
        raise TimeoutError

    pieces = files(home, redact=broken).made(FileWanted(ALL, "jsonl", "masked"))
    rows = [json.loads(line) for line in b"".join(pieces).splitlines()]
    assert len(rows) == 25
    assert {row["request"] for row in rows} == {None}


def test_chats_are_what_may_be_learned_from_with_corrections(home: Path) -> None:
    """The same lines as `shortstop learn --export` writes."""
    settings = config(home)
    exported = Recorded(settings, {}, Paths.of(home, settings)).exported(NOW + 1)
    chats = made(home, "openai")
    assert chats == [json.loads(line) for line in exported]
    assert chats[3]["messages"][-1] == {"role": "assistant", "content": "a loan"}
    assert chats[3]["metadata"]["corrected"] == "true"
    masked = made(home, "openai", "masked")
    assert masked[3]["messages"][-1]["content"] == "a [DEBT]"


def test_what_can_be_no_file_is_said_at_once(home: Path) -> None:
    with pytest.raises(InvalidRequest, match="without its content"):
        files(home).made(FileWanted(ALL, "openai", "none"))
    empty = config(home / "empty", toml=TOML.replace("teacher = true", ""))
    record(empty, [trace_of(example) for example in dated(mails(2))])
    with pytest.raises(ConfigError, match="teacher"):
        files(home / "empty", TOML.replace("teacher = true", "")).made(
            FileWanted(ALL, "openai", "full")
        )


def test_a_table_has_a_type_for_every_column(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 10)
    pieces = list(files(home).made(FileWanted(ALL, "parquet", "full")))
    assert len(pieces) == 4, "three groups of rows, and the end"
    assert all(pieces)
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert file.num_row_groups == 3
    rows = file.read().to_pylist()
    assert [row["id"] for row in rows] == [f"r{n}" for n in range(25)]
    assert json.loads(rows[0]["request"])["messages"][0]["content"] == "Sort the mail."
    assert rows[-1]["at"].timestamp() == NOW
    assert rows[0]["reasons"] == []


def test_an_empty_table_is_a_table(home: Path) -> None:
    nothing = RowFilter(kept="all", task="other")
    data = b"".join(files(home).made(FileWanted(nothing, "parquet")))
    assert pq.read_table(io.BytesIO(data)).num_rows == 0


def test_nothing_is_held_open_between_two_pieces(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", 10)
    pieces = files(home).made(FileWanted(ALL, "jsonl", "full"))
    assert next(pieces)
    links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]
    opened = {os.readlink(link) for link in links if link.is_symlink()}
    assert not {path for path in opened if path.startswith(str(home))}


def test_a_damaged_row_is_left_out(home: Path) -> None:
    with sqlite3.connect(home / "traces.db") as db:
        db.execute("UPDATE bodies SET trace = '{\"id\":' WHERE seq = 5")
    assert len(made(home, "jsonl")) == 24
    assert len(made(home, "jsonl", "none")) == 24
