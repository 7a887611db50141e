"""Stored responses: one file, shared by all workers."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shortstop.stores.sql.responses import SqlResponses
from shortstop.stores.sqlite.connect import Database, FileKind


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


class SqliteResponses(SqlResponses):
    def __init__(self, path: Path) -> None:
        super().__init__(Database(path, RESPONSES))
