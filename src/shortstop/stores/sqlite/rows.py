"""Traces and grades as the writer stores them, in one file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from shortstop.errors import StoreError
from shortstop.ports.rows import SealDocument, SealGrade
from shortstop.stores.sql.database import SqlSession
from shortstop.stores.sql.rows import SqlRows
from shortstop.stores.sqlite.connect import Database, connect_read_only
from shortstop.stores.sqlite.traces_schema import TRACES
from shortstop.types import Tier

_FSYNC = "synchronous = FULL"
_INCREMENTAL = 2


class SqliteRows(SqlRows):
    def __init__(
        self, path: Path, *, fsync: bool = False, busy_seconds: float = TRACES.busy_seconds
    ) -> None:
        pragmas = (*TRACES.pragmas, _FSYNC) if fsync else TRACES.pragmas
        self._kind = replace(TRACES, pragmas=pragmas, busy_seconds=busy_seconds)
        self._path = path
        self._file = Database(path, self._kind)
        super().__init__(self._file)

    def delete_before(self, at: float, limit: int) -> int:
        deleted = super().delete_before(at, limit)
        if deleted:
            with self._file.reading() as db:
                db.execute("PRAGMA incremental_vacuum(64)").fetchall()
        return deleted

    def seal_earlier(self, document: SealDocument, grade: SealGrade, limit: int) -> int:
        count = super().seal_earlier(document, grade, limit)
        if count == 0:
            with self._file.reading() as db:
                _give_back(db)
            self._file.wipe()
        return count

    def tier(self, id: str) -> Tier | None:
        try:
            with closing(connect_read_only(self._path, self._kind, busy_seconds=0.0)) as db:
                row = db.execute("SELECT tier FROM traces WHERE id = ?", (id,)).fetchone()
        except (StoreError, sqlite3.Error, UnicodeError):
            return None
        return Tier(row[0]) if row else None

    def _beside(self) -> closing[Database]:
        """On a connection of its own: any thread may call."""
        return closing(Database(self._path, self._kind))

    def _write(self, work: Callable[[SqlSession], int]) -> int:
        try:
            return super()._write(work)
        except StoreError:
            self._file.reconnect()
            raise


def _give_back(db: sqlite3.Connection) -> None:
    """The pages that deleted rows of an earlier version have left, with what is in them."""
    incremental = db.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL
    db.execute("PRAGMA incremental_vacuum" if incremental else "VACUUM").fetchall()
