"""Migrations: from blank, from every earlier version, several at once, never backwards."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NoReturn

import pytest

from shortstop.errors import StoreError
from shortstop.stores.sqlite.accounts import ACCOUNTS
from shortstop.stores.sqlite.connect import Database, FileKind, connect
from shortstop.stores.sqlite.migrate import migrate, version
from shortstop.stores.sqlite.responses import RESPONSES
from shortstop.stores.sqlite.surrogates import VAULT
from shortstop.stores.sqlite.taints import TAINTS
from shortstop.stores.sqlite.traces_schema import TRACES
from shortstop.traces import rows
from shortstop.types.rows import COLUMNS
from tests.traces.example import trace

KINDS = {"traces": TRACES, "accounts": ACCOUNTS, "responses": RESPONSES, "taint": TAINTS,
         "vault": VAULT}  # fmt: skip
STARTS = [(name, start) for name, kind in KINDS.items() for start in range(len(kind.migrations))]

Blank = Callable[[], sqlite3.Connection]


@pytest.fixture
def blank() -> Iterator[Blank]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            closing(sqlite3.connect(":memory:", isolation_level=None))
        )


def shape(db: sqlite3.Connection) -> list[str]:
    return [sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")]


@pytest.mark.parametrize(("name", "start"), STARTS)
def test_every_earlier_version_reaches_the_newest_shape(
    name: str, start: int, blank: Blank
) -> None:
    migrations = KINDS[name].migrations
    fresh, old = blank(), blank()
    migrate(fresh, "fresh", migrations)
    for number in range(start):
        migrations[number](old)
    old.execute(f"PRAGMA user_version = {start}")
    migrate(old, "old", migrations)
    assert version(old) == len(migrations)
    assert shape(old) == shape(fresh)


def test_the_shape_has_every_column_that_rows_fill(blank: Blank) -> None:
    db = blank()
    migrate(db, "blank", TRACES.migrations)
    columns = [row[1] for row in db.execute("PRAGMA table_info(traces)")]
    assert columns == ["seq", *COLUMNS]
    assert len(rows.values(trace())) == len(COLUMNS)
    assert len(rows.values(trace(bill=None, decision=None, usage=None))) == len(COLUMNS)


def test_a_migration_that_fails_changes_nothing(blank: Blank) -> None:
    def broken(db: sqlite3.Connection) -> NoReturn:
        db.execute("CREATE TABLE half (x)")
        raise RuntimeError("half-way")

    db = blank()
    migrate(db, "db", TRACES.migrations)
    before = shape(db)
    with pytest.raises(RuntimeError, match="half-way"):
        migrate(db, "db", (*TRACES.migrations, broken))
    assert shape(db) == before
    assert version(db) == len(TRACES.migrations)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path, kind: FileKind) -> None:
    path, newest = tmp_path / "x.db", len(kind.migrations)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {newest + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"version {newest + 1}.*knows {newest}"):
        Database(path, kind).open()
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, kind: FileKind) -> None:
    path = tmp_path / "x.db"
    path.write_text("not a database at all, just some text of a certain length " * 20)
    with pytest.raises(StoreError, match="not a usable SQLite database"):
        Database(path, kind).open()


def _open(path: Path, name: str, start: float, failures: Any) -> None:
    while time.time() < start:
        pass
    try:
        connect(path, KINDS[name]).close()
    except BaseException as error:
        failures.put(repr(error))
        raise


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_several_processes_open_a_new_file_at_once(tmp_path: Path, name: str) -> None:
    context = multiprocessing.get_context("fork")
    for attempt in range(5):
        path, failures = tmp_path / f"{attempt}.db", context.Queue()
        begin = time.time() + 0.1
        openers = [
            context.Process(target=_open, args=(path, name, begin, failures)) for _ in range(6)
        ]
        for opener in openers:
            opener.start()
        for opener in openers:
            opener.join()
        assert failures.empty(), failures.get()
        with closing(sqlite3.connect(path)) as db:
            assert version(db) == len(KINDS[name].migrations)
