"""Reading the file of traces, on connections that change nothing and hold up no writer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from shortstop.errors import StoreError, StoreUnavailable
from shortstop.stores.sql.database import Record
from shortstop.stores.sql.figures import SqlFigures, late
from shortstop.stores.sql.reports import SqlReports
from shortstop.stores.sqlite.connect import READ_BUSY_SECONDS, SQLITE, connect_read_only
from shortstop.stores.sqlite.traces_schema import TRACES

STEPS = 20_000
"""Of SQLite's machine, about a millisecond, between two looks at the clock."""
BUSY_SECONDS = 0.5
"""For pages, which have little time."""


class FileQueries:
    """Implements sql.database.Queries."""

    def __init__(self, db: sqlite3.Connection, path: Path, seconds: float | None) -> None:
        self._db = db
        self._path = path
        self._seconds = seconds

    def all(self, query: str, args: Sequence[Any] = ()) -> list[Record]:
        return list(self.each(query, args))

    def each(self, query: str, args: Sequence[Any] = ()) -> Iterator[Record]:
        try:
            yield from self._db.execute(query, args)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        if self._seconds is not None and isinstance(error, sqlite3.OperationalError):
            if "interrupted" in str(error):
                return late(self._seconds)
            return StoreUnavailable(f"Cannot read {self._path} now: {error}.")
        return StoreError(f"Cannot read {self._path}: {error}.")


class FileSource:
    """Implements sql.database.Source. Every use opens the file and closes it again."""

    variant = SQLITE

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def pages(self) -> Iterator[FileQueries]:
        with closing(connect_read_only(self._path, TRACES)) as db:
            yield FileQueries(db, self._path, None)

    @contextmanager
    def snapshot(self, seconds: float | None = None) -> Iterator[FileQueries]:
        busy = READ_BUSY_SECONDS if seconds is None else BUSY_SECONDS
        with closing(connect_read_only(self._path, TRACES, busy_seconds=busy)) as db:
            if seconds is not None:
                deadline = time.monotonic() + seconds
                db.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            db.execute("BEGIN")  # all queries see the same rows
            yield FileQueries(db, self._path, seconds)


class SqliteReports(SqlReports):
    def __init__(self, path: Path) -> None:
        super().__init__(FileSource(path))


class SqliteFigures(SqlFigures):
    def __init__(self, path: Path) -> None:
        super().__init__(FileSource(path))
