"""Migrations: from blank, from every earlier version, several at once, never backwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NoReturn

import pytest

from shortstop.errors import StoreError
from shortstop.traces import migrations, rows
from shortstop.traces.database import TraceDatabase
from tests.traces.example import trace

NEWEST = len(migrations.MIGRATIONS)


Blank = Callable[[], sqlite3.Connection]


@pytest.fixture
def blank() -> Iterator[Blank]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            closing(sqlite3.connect(":memory:", isolation_level=None))
        )


def shape(db: sqlite3.Connection) -> list[str]:
    return [sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")]


@pytest.mark.parametrize("start", range(NEWEST))
def test_every_earlier_version_reaches_the_newest_shape(start: int, blank: Blank) -> None:
    fresh, old = blank(), blank()
    migrations.migrate(fresh, "fresh")
    for number in range(start):
        migrations.MIGRATIONS[number](old)
    old.execute(f"PRAGMA user_version = {start}")
    migrations.migrate(old, "old")
    assert migrations.version(old) == NEWEST
    assert shape(old) == shape(fresh)


def test_the_shape_has_every_column_that_rows_fill(blank: Blank) -> None:
    db = blank()
    migrations.migrate(db, "blank")
    columns = [row[1] for row in db.execute("PRAGMA table_info(traces)")]
    assert columns == ["seq", *rows.COLUMNS]
    assert len(rows.values(trace())) == len(rows.COLUMNS)
    assert len(rows.values(trace(bill=None, decision=None, usage=None))) == len(rows.COLUMNS)


def test_a_migration_that_fails_changes_nothing(
    blank: Blank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(db: sqlite3.Connection) -> NoReturn:
        db.execute("CREATE TABLE half (x)")
        raise RuntimeError("half-way")

    db = blank()
    migrations.migrate(db, "db")
    before = shape(db)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, broken))
    with pytest.raises(RuntimeError, match="half-way"):
        migrations.migrate(db, "db")
    assert shape(db) == before
    assert migrations.version(db) == NEWEST


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {NEWEST + 1}")
    db.close()
    with pytest.raises(StoreError, match=f"version {NEWEST + 1}.*knows {NEWEST}"):
        TraceDatabase(path, fsync=False).connect()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    path.write_text("not a database at all, just some text of a certain length " * 20)
    with pytest.raises(StoreError, match="not a usable SQLite database"):
        TraceDatabase(path, fsync=False).connect()
