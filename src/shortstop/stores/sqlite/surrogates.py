"""Sealed surrogates: one file for all workers that have the same key.

Nothing outlives its erasure here: no write-ahead log, and what is deleted is overwritten.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shortstop.stores.sql.surrogates import SqlSurrogates
from shortstop.stores.sqlite.connect import Database, FileKind


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


class SqliteSurrogates(SqlSurrogates):
    """Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path) -> None:
        super().__init__(Database(path, VAULT))
