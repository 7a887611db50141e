"""Sealed surrogates: one file for all workers that have the same key.

Nothing outlives its erasure here: no write-ahead log, and what is deleted is overwritten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from shortstop.stores.sqlite.connect import Database, FileKind
from shortstop.types.rows import SealedSurrogates


def m001_drawer(db: sqlite3.Connection) -> None:
    """Files from before there were versions have the table already.

    `scope` is an HMAC of tenant and conversation, so that neither can be read here.
    """
    db.execute(
        """
        CREATE TABLE IF NOT EXISTS drawer (
            scope BLOB PRIMARY KEY,
            key BLOB NOT NULL,
            sealed BLOB NOT NULL,
            expires REAL NOT NULL
        ) WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX IF NOT EXISTS by_expiry ON drawer (expires)")


VAULT = FileKind(
    "surrogates",
    migrations=(m001_drawer,),
    pragmas=("journal_mode = TRUNCATE", "secure_delete = ON"),
    busy_seconds=5.0,
)

_GET = "SELECT key, sealed FROM drawer WHERE scope = ? AND expires > ?"
_TRIM = """
DELETE FROM drawer WHERE scope IN (SELECT scope FROM drawer ORDER BY expires
LIMIT max(0, (SELECT count(*) FROM drawer) - ?))
"""


class SqliteSurrogates:
    """Implements ports.stores.SurrogateStore. Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, VAULT)
        self._database.open()

    def get(self, scope: bytes, now: float) -> SealedSurrogates | None:
        with self._database.reading() as db:
            row = db.execute(_GET, (scope, now)).fetchone()
        return SealedSurrogates(*row) if row else None

    def update(
        self,
        scope: bytes,
        change: Callable[[SealedSurrogates | None], SealedSurrogates],
        *,
        now: float,
        expires: float,
        most: int,
    ) -> None:
        with self._database.writing() as db:
            _expire(db, now)
            row = db.execute(_GET, (scope, now)).fetchone()
            new = change(SealedSurrogates(*row) if row else None)
            db.execute("INSERT OR REPLACE INTO drawer VALUES (?, ?, ?, ?)", (scope, *new, expires))
            db.execute(_TRIM, (most,))

    def erase(self, scope: bytes, now: float) -> bool:
        with self._database.writing() as db:
            _expire(db, now)
            return db.execute("DELETE FROM drawer WHERE scope = ?", (scope,)).rowcount > 0

    def sweep(self, now: float) -> int:
        with self._database.writing() as db:
            return _expire(db, now)

    def close(self) -> None:
        self._database.close()


def _expire(db: sqlite3.Connection, now: float) -> int:
    return db.execute("DELETE FROM drawer WHERE expires <= ?", (now,)).rowcount
