"""The accounts' SQLite file, shared by all workers of a machine. Knows tables, no rules."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shortstop.errors import StoreError

BUSY_SECONDS = 2.0
VERSION = 1
SCHEMA = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL UNIQUE,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE meters (
    key TEXT NOT NULL,
    unit TEXT NOT NULL,
    arrival REAL NOT NULL,
    PRIMARY KEY (key, unit)
) STRICT, WITHOUT ROWID;
CREATE TABLE purses (
    key TEXT PRIMARY KEY,
    window TEXT NOT NULL,
    spent INTEGER NOT NULL,
    held INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    amount INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE answers (
    caller TEXT NOT NULL,
    token TEXT NOT NULL,
    asked BLOB NOT NULL,
    owner INTEGER NOT NULL,
    at REAL NOT NULL,
    status INTEGER,
    headers BLOB,
    body BLOB,
    PRIMARY KEY (caller, token)
) STRICT;
CREATE INDEX answers_at ON answers (at);
"""


class AccountsDatabase:
    """One connection of one process. Every method of sqlite3 that fails raises StoreError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._told():
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._shape()

    def _shape(self) -> None:
        with self.writing() as db:
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found > VERSION:
                raise StoreError(
                    f"{self.path} has schema version {found}; this Shortstop knows {VERSION}.",
                    hint="Use the newer Shortstop that wrote it.",
                )
            if found == 0:
                for statement in SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that no other process interleaves with; undone when it raises."""
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            yield self._db

    @property
    def changes(self) -> int:
        """A number that differs when another connection has committed something."""
        with self._told():
            number: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return number

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The accounts in {self.path} cannot be used: {error}.",
                hint="See that the file is writable, and that it is a Shortstop accounts file.",
                status=503,
                retry_after=1.0,
            ) from error


def alive(pid: int) -> bool:
    """Whether a process of this machine still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
