"""Stored responses: one file, shared by all workers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from shortstop.errors import StoreUnavailable
from shortstop.stores.sqlite.connect import Database, FileKind
from shortstop.types.rows import ResponseRow


def m001_responses(db: sqlite3.Connection) -> None:
    """Files from before there were versions have the table already, some without the columns by
    which a conversation is erased."""
    db.execute(
        """
        CREATE TABLE IF NOT EXISTS responses (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            parent TEXT,
            at REAL NOT NULL,
            turn BLOB NOT NULL,
            response BLOB NOT NULL,
            tenant TEXT NOT NULL DEFAULT '',
            conversation TEXT NOT NULL DEFAULT ''
        ) STRICT, WITHOUT ROWID
        """
    )
    columns = {row[1] for row in db.execute("PRAGMA table_info(responses)")}
    for column in ("tenant", "conversation"):
        if column not in columns:
            db.execute(f"ALTER TABLE responses ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")


RESPONSES = FileKind(
    "stored responses",
    migrations=(m001_responses,),
    hint="Send the whole conversation with `store: false` meanwhile.",
)


_COLUMNS = "SELECT id, owner, parent, at, turn, response, tenant, conversation FROM responses"
_PUT = "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_OPEN = f"{_COLUMNS} WHERE substr(turn, 1, 1) != x'00' LIMIT ?"


class SqliteResponses:
    """Implements ports.stores.ResponseStore. Opened when first used: most gateways are never asked
    to remember."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = Database(path, RESPONSES)

    def keep(self, row: ResponseRow) -> None:
        with self._database.reading() as db:
            db.execute(_PUT, row)

    def find(self, owner: str, id: str, since: float) -> ResponseRow | None:
        with self._database.reading() as db:
            row = db.execute(
                f"{_COLUMNS} WHERE id = ? AND owner = ? AND at >= ?", (id, owner, since)
            ).fetchone()
        return ResponseRow(*row) if row else None

    def drop(self, owner: str, id: str) -> bool:
        with self._database.reading() as db:
            done = db.execute("DELETE FROM responses WHERE id = ? AND owner = ?", (id, owner))
        with suppress(StoreUnavailable):  # then the next sweep takes it off the disk
            self._database.wipe()
        return done.rowcount > 0

    def forget(self, tenant: str, conversation: str) -> int:
        with self._database.reading() as db:
            done = db.execute(
                "DELETE FROM responses WHERE tenant = ? AND conversation = ?",
                (tenant, conversation),
            )
        self._database.wipe()
        return done.rowcount

    def delete_before(self, at: float) -> int:
        with self._database.reading() as db:
            done = db.execute("DELETE FROM responses WHERE at < ?", (at,))
        return done.rowcount

    def sweep(self, before: float) -> int:
        if not self._path.exists():
            return 0
        count = self.delete_before(before)
        self._database.wipe()
        return count

    def seal_earlier(self, change: Callable[[ResponseRow], ResponseRow], limit: int) -> int:
        if not self._path.exists():
            return 0
        with self._database.writing() as db:
            rows = db.execute(_OPEN, (limit,)).fetchall()
            for row in rows:
                db.execute(_PUT, change(ResponseRow(*row)))
        return len(rows)

    def close(self) -> None:
        self._database.close()
