"""The database's shape, changed only by numbered functions that are appended, never edited.

`PRAGMA user_version` holds the number of functions that have run. Each runs in a transaction
of its own, so a process that dies half-way leaves the version before or after, nothing between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from shortstop.errors import StoreError


def m001_traces(db: sqlite3.Connection) -> None:
    """Slim rows for reports, and the whole trace as JSON beside them.

    Money is whole pico-dollars (1e-12): every list price per million tokens with up to six
    decimals is exact. NULL money means that a price was unknown.
    """
    db.execute(
        """
        CREATE TABLE traces (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            at REAL NOT NULL,
            tenant TEXT NOT NULL,
            key TEXT,
            conversation TEXT,
            dialect TEXT NOT NULL,
            model TEXT NOT NULL,
            template TEXT NOT NULL,
            digest TEXT NOT NULL,
            outcome TEXT NOT NULL,
            status INTEGER NOT NULL,
            stream INTEGER NOT NULL,
            task TEXT,
            target TEXT,
            local INTEGER NOT NULL,
            tier INTEGER NOT NULL,
            reach INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            escalated INTEGER NOT NULL,
            explored INTEGER NOT NULL,
            seconds REAL NOT NULL,
            first_byte REAL,
            prompt_tokens INTEGER,
            completion_tokens INTEGER,
            tokens_estimated INTEGER NOT NULL,
            cost_pico INTEGER,
            cost_local_pico INTEGER,
            cost_remote_pico INTEGER,
            counterfactual_pico INTEGER,
            baseline TEXT,
            unpriced INTEGER NOT NULL,
            prices TEXT,
            joules REAL,
            joules_low REAL,
            joules_high REAL,
            joules_basis TEXT,
            counterfactual_joules REAL,
            counterfactual_joules_low REAL,
            counterfactual_joules_high REAL,
            gco2 REAL,
            gco2_low REAL,
            gco2_high REAL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX traces_at ON traces (at, seq)")
    db.execute("CREATE INDEX traces_tenant_at ON traces (tenant, at)")
    db.execute(
        """
        CREATE TABLE bodies (
            seq INTEGER PRIMARY KEY REFERENCES traces (seq) ON DELETE CASCADE,
            trace TEXT NOT NULL
        ) STRICT
        """
    )


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (m001_traces,)


def version(db: sqlite3.Connection) -> int:
    number: int = db.execute("PRAGMA user_version").fetchone()[0]
    return number


def check(db: sqlite3.Connection, name: str) -> int:
    """The file's version. Raises StoreError when a newer Shortstop wrote it."""
    found = version(db)
    if found > len(MIGRATIONS):
        raise StoreError(
            f"{name} has schema version {found}; this Shortstop knows {len(MIGRATIONS)}.",
            hint="Use the newer Shortstop that wrote it, or name another file in [traces].",
        )
    return found


def migrate(db: sqlite3.Connection, name: str) -> None:
    """Bring the database to the newest shape. Several processes may call this at once."""
    while check(db, name) < len(MIGRATIONS):
        db.execute("BEGIN IMMEDIATE")
        try:
            number = check(db, name)
            if number < len(MIGRATIONS):
                MIGRATIONS[number](db)
                db.execute(f"PRAGMA user_version = {number + 1}")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
