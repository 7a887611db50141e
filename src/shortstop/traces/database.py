"""The SQLite file as the writer sees it: one connection, whole batches, clear verdicts.

Every failure is one of two: `Unavailable` (locked, full, read-only, out of reach: may heal) or
StoreError (not a database, or a newer Shortstop's: will not).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shortstop.errors import StoreError
from shortstop.traces import migrations, rows
from shortstop.traces.rows import Row

log = logging.getLogger(__name__)

_BUSY_SECONDS = 1.0
_PAGE_BYTES = 16_384
"""A trace is some kilobytes: on SQLite's usual 4 KiB pages each spills over into several."""
_TOGETHER = 16
"""Rows a statement: many cost less each, but hold up the street for longer."""
_PAUSE = 0.0005
"""Seconds between two statements: on a machine whose cores are all busy the writer would else keep
the street waiting until its time slice ends."""
_COLUMNS = ("seq", *rows.COLUMNS)


def _statement(table: str, columns: tuple[str, ...], count: int, verb: str = "INSERT") -> str:
    places = f"({', '.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES {', '.join([places] * count)}"


_ONE = _statement("traces", _COLUMNS, 1, "INSERT OR IGNORE")
_BODY = ("seq", "trace")


class Unavailable(Exception):
    """The database cannot be written now; says why."""


class TraceDatabase:
    """One connection, used by one thread at a time. Not open until `connect` or the first use."""

    def __init__(self, path: Path, fsync: bool) -> None:
        self._path = path
        self._fsync = fsync
        self._db: sqlite3.Connection | None = None

    def connect(self) -> sqlite3.Connection:
        """Raises Unavailable or StoreError."""
        if self._db is None:
            try:
                self._db = self._connected()
            except (sqlite3.OperationalError, OSError) as e:
                raise Unavailable(f"database {self._path}: {e}") from e
            except sqlite3.DatabaseError as e:
                raise StoreError(
                    f"{self._path} is not a usable SQLite database: {e}.",
                    hint="Move it away and start again, or name another file in [traces].",
                ) from e
        return self._db

    def _connected(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            migrations.check(db, str(self._path))
            db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {'FULL' if self._fsync else 'NORMAL'}")
            db.execute("PRAGMA secure_delete = FAST")
            db.execute("PRAGMA foreign_keys = ON")
            migrations.migrate(db, str(self._path))
        except BaseException:
            db.close()
            raise
        return db

    def insert(self, batch: Iterable[Row]) -> int:
        """Write all in one transaction; the number of rows that were refused.

        A row is refused when its id is taken or when SQLite cannot hold it; the others are
        written all the same.
        """
        batch = list(batch)
        groups = [batch[i : i + _TOGETHER] for i in range(0, len(batch), _TOGETHER)]
        return self._transaction(lambda db: sum(_refused_gently(db, group) for group in groups))

    def restore(self, batch: Iterable[Row]) -> int:
        """Write those rows that are not there yet; their number."""
        batch = list(batch)
        return len(batch) - self.insert(batch)

    def delete_before(self, at: float, limit: int) -> int:
        """Delete at most `limit` of the oldest rows; how many there were."""

        def work(db: sqlite3.Connection) -> int:
            found = db.execute(
                "SELECT seq FROM traces WHERE at < ? ORDER BY at LIMIT ?", (at, limit)
            ).fetchall()
            db.executemany("DELETE FROM traces WHERE seq = ?", found)
            return len(found)

        deleted = self._transaction(work)
        if deleted:
            self.connect().execute("PRAGMA incremental_vacuum(64)").fetchall()
        return deleted

    def forget(self, tenant: str, conversation: str) -> int:
        """Take the content out of a conversation's rows, and off the disk; how many there were."""

        def work(db: sqlite3.Connection) -> int:
            found = db.execute(
                "SELECT seq, trace FROM traces JOIN bodies USING (seq)"
                " WHERE tenant = ? AND conversation = ?",
                (tenant, conversation),
            ).fetchall()
            emptied = [(rows.emptied(blob).decode(), seq) for seq, blob in found]
            db.executemany("UPDATE bodies SET trace = ? WHERE seq = ?", emptied)
            return len(found)

        self.connect().execute("PRAGMA secure_delete = ON")
        emptied = self._transaction(work)
        self.connect().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return emptied

    def _transaction(self, work: Any) -> int:
        db = self.connect()
        try:
            db.execute("BEGIN IMMEDIATE")
            done: int = work(db)
            db.execute("COMMIT")
        except sqlite3.Error as e:
            self._give_up(db)
            raise Unavailable(f"database {self._path}: {e}") from e
        return done

    def _give_up(self, db: sqlite3.Connection) -> None:
        """After a failure the connection is made anew: the file may have been replaced."""
        self._db = None
        db.close()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _refused_gently(db: sqlite3.Connection, group: list[Row]) -> int:
    refused = _refused(db, group)
    time.sleep(_PAUSE)
    return refused


def _refused(db: sqlite3.Connection, group: list[Row]) -> int:
    """Insert rows together, or one by one where one of them cannot be: how many were refused."""
    seq = db.execute("SELECT coalesce(max(seq), 0) FROM traces").fetchone()[0]
    db.execute("SAVEPOINT many")
    try:
        _insert_all(db, seq, group)
        db.execute("RELEASE many")
    except (sqlite3.OperationalError, sqlite3.InternalError):
        raise
    except Exception as e:
        if type(e) is sqlite3.DatabaseError:
            raise
        db.execute("ROLLBACK TO many")
        return sum(not _insert(db, seq + i, row) for i, row in enumerate(group, start=1))
    return 0


def _insert_all(db: sqlite3.Connection, seq: int, group: list[Row]) -> None:
    slim: list[Any] = []
    bodies: list[Any] = []
    for number, row in enumerate(group, start=seq + 1):
        slim.append(number)
        slim += row.columns
        bodies += (number, row.blob.decode())
    db.execute(_statement("traces", _COLUMNS, len(group)), slim)
    db.execute(_statement("bodies", _BODY, len(group)), bodies)


def _insert(db: sqlite3.Connection, seq: int, row: Row) -> bool:
    """Whether the row was taken. A row that nothing can store must not hold up all others."""
    try:
        if db.execute(_ONE, (seq, *row.columns)).rowcount == 0:
            return False
        db.execute(_statement("bodies", _BODY, 1), (seq, row.blob.decode()))
    except (sqlite3.OperationalError, sqlite3.InternalError):
        raise
    except Exception as e:
        if type(e) is sqlite3.DatabaseError:
            raise
        log.error("traces: row %s cannot be kept: %s", row.columns[0], e)
        return False
    return True
