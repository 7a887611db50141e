"""Keys, meters, budgets and kept answers: one file for all workers of a machine."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shortstop.stores.owners import Owner
from shortstop.stores.sql.accounts import SqlAccounts
from shortstop.stores.sql.database import SqlSession
from shortstop.stores.sqlite.connect import Database, FileKind

_TABLES = (
    """
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        fingerprint BLOB NOT NULL UNIQUE,
        record TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE meters (
        key TEXT NOT NULL,
        unit TEXT NOT NULL,
        arrival REAL NOT NULL,
        PRIMARY KEY (key, unit)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE purses (
        key TEXT PRIMARY KEY,
        window TEXT NOT NULL,
        spent INTEGER NOT NULL,
        held INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE holds (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        amount INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        at REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
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
    ) STRICT
    """,
    "CREATE INDEX answers_at ON answers (at)",
)


def m001_accounts(db: sqlite3.Connection) -> None:
    for table in _TABLES:
        db.execute(table)


def m002_owners(db: sqlite3.Connection) -> None:
    """Owners have names. Those that were process ids are dead: whoever migrates is alone."""
    for table in ("holds", "answers"):
        db.execute(f"ALTER TABLE {table} DROP COLUMN owner")
        db.execute(f"ALTER TABLE {table} ADD COLUMN owner TEXT NOT NULL DEFAULT ''")


def m003_subjects(db: sqlite3.Connection) -> None:
    """What kept answers are erased by, and how large they are. Those that are there may lie open,
    under names that no key went into: they go, and their retries are answered afresh."""
    db.execute("DELETE FROM answers")
    for column in ("tenant TEXT", "conversation TEXT", "size INTEGER"):
        db.execute(f"ALTER TABLE answers ADD COLUMN {column}")
    db.execute("CREATE INDEX answers_kept ON answers (caller, status, size)")
    db.execute("CREATE INDEX answers_of ON answers (conversation, tenant)")


def m004_groups(db: sqlite3.Connection) -> None:
    """Groups of keys that share a budget, and secrets that were replaced by new ones."""
    db.execute(
        """
        CREATE TABLE budget_groups (
            id TEXT PRIMARY KEY,
            parent TEXT NOT NULL,
            name TEXT NOT NULL,
            record TEXT NOT NULL,
            UNIQUE (parent, name)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE retired (
            fingerprint BLOB PRIMARY KEY,
            key TEXT NOT NULL,
            tail TEXT NOT NULL,
            until REAL NOT NULL
        ) STRICT
        """
    )


def m005_sessions(db: sqlite3.Connection) -> None:
    """Which sessions of people were ended before their time."""
    db.execute(
        """
        CREATE TABLE ended_sessions (
            name TEXT PRIMARY KEY,
            at REAL NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )


ACCOUNTS = FileKind(
    "accounts",
    migrations=(m001_accounts, m002_owners, m003_subjects, m004_groups, m005_sessions),
    hint="See that the file is writable, and that it is a Shortstop accounts file.",
)


class SqliteAccounts(SqlAccounts):
    """Raises StoreError when the file cannot be used. Owners are known by their locked files
    (`stores/owners.py`)."""

    leases = None

    def __init__(self, path: Path, owner: Owner) -> None:
        self._locked = owner
        super().__init__(Database(path, ACCOUNTS))

    def close(self) -> None:
        super().close()
        self._locked.close()

    def version(self) -> int:
        with self._database.reading() as db:
            number: int = db.execute("PRAGMA data_version").fetchone()[0]
        return number

    def _keys_changed(self, db: SqlSession) -> None:
        """SQLite counts changes itself."""

    def _owner(self, db: SqlSession) -> str:
        return self._locked.name

    def _lives(self, db: SqlSession, owner: str) -> bool:
        return self._locked.lives(owner)
