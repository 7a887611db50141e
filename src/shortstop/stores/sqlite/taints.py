"""Which conversations held what: one file, shared by all workers."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shortstop.ports import Clock
from shortstop.stores.sql.taints import SqlTaints
from shortstop.stores.sqlite.connect import Database, FileKind


def m001_taints(db: sqlite3.Connection) -> None:
    """Files from before there were versions have the table already."""
    db.execute(
        """
        CREATE TABLE IF NOT EXISTS taints (
            tenant TEXT NOT NULL,
            conversation TEXT NOT NULL,
            tier INTEGER NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (tenant, conversation)
        ) STRICT, WITHOUT ROWID
        """
    )


TAINTS = FileKind(
    "conversations' tiers",
    migrations=(m001_taints,),
    hint="Free the disk, or move the file away to begin with an empty one.",
)


class SqliteTaints(SqlTaints):
    """Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path, clock: Clock, kept_s: float, unnamed_ttl_s: float) -> None:
        super().__init__(Database(path, TAINTS), clock, kept_s, unnamed_ttl_s)
