"""Runs of agents: one file for all workers."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shortstop.stores.sql.runs import MOST_STEPS, SqlRuns
from shortstop.stores.sqlite.connect import Database, FileKind


def m001_runs(db: sqlite3.Connection) -> None:
    """`seq` counts beginnings and ends of a tenant's steps; `head` is that of a run's newest."""
    db.execute(
        """
        CREATE TABLE runs (
            tenant TEXT NOT NULL,
            run TEXT NOT NULL,
            seq INTEGER NOT NULL,
            head INTEGER NOT NULL,
            began REAL NOT NULL,
            seen REAL NOT NULL,
            steps INTEGER NOT NULL,
            spent INTEGER NOT NULL,
            PRIMARY KEY (run, tenant)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX runs_seq ON runs (tenant, seq)")
    db.execute("CREATE INDEX runs_seen ON runs (seen)")
    db.execute(
        """
        CREATE TABLE heads (
            prefix BLOB NOT NULL,
            tenant TEXT NOT NULL,
            run TEXT NOT NULL,
            answer BLOB,
            seq INTEGER NOT NULL,
            PRIMARY KEY (prefix, tenant, run)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX heads_seq ON heads (tenant, seq)")
    db.execute("CREATE INDEX heads_run ON heads (run, tenant)")


RUNS = FileKind(
    "runs",
    migrations=(m001_runs,),
    busy_seconds=0.2,
    hint="Free the disk, or move the file away: runs then begin anew.",
)


class SqliteRuns(SqlRuns):
    """Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path, most_steps: int = MOST_STEPS) -> None:
        super().__init__(Database(path, RUNS), most_steps)
