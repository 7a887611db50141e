"""Keys, meters, budgets and kept answers: one file for all workers of a machine.

What is set aside or claimed belongs to an owner; when that has died, `recover` and the next claim
see it (`stores/owners.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from shortstop.ports.stores import Meters
from shortstop.stores.owners import Owner
from shortstop.stores.sqlite.connect import Database, FileKind
from shortstop.types.accounts import IdempotencyRecord, KeptRow

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


ACCOUNTS = FileKind(
    "accounts",
    migrations=(m001_accounts, m002_owners, m003_subjects),
    hint="See that the file is writable, and that it is a Shortstop accounts file.",
)

_WRITE_PURSE = """
INSERT INTO purses VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
window = excluded.window, spent = excluded.spent, held = excluded.held
"""


_KEEP_ANSWER = """
UPDATE answers SET status = ?, headers = ?, body = ?, tenant = ?, conversation = ?, size = ?
WHERE caller = ? AND token = ?
"""
_KEPT_OF = """
SELECT count(*), coalesce(sum(size), 0) FROM answers WHERE caller = ? AND status IS NOT NULL
"""
_TRIM_ANSWERS = """
DELETE FROM answers WHERE rowid IN (SELECT number FROM (
    SELECT rowid AS number, row_number() OVER newest AS n, sum(size) OVER newest AS bytes
    FROM answers WHERE caller = ? AND status IS NOT NULL
    WINDOW newest AS (ORDER BY at DESC, rowid DESC)
) WHERE n > ? OR bytes > ?)
"""


class SqliteAccounts:
    """Implements ports.stores.AccountStore. Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self._database = Database(path, ACCOUNTS)
        self._owner = owner
        self._database.open()

    def close(self) -> None:
        self._database.close()
        self._owner.close()

    # ------------------------------------------------------------ keys

    def all_keys(self) -> list[tuple[bytes, str]]:
        with self._database.reading() as db:
            return db.execute("SELECT fingerprint, record FROM keys").fetchall()

    def add_key(self, id: str, fingerprint: bytes, record: str) -> None:
        with self._database.writing() as db:
            db.execute("INSERT INTO keys VALUES (?, ?, ?)", (id, fingerprint, record))

    def replace_key(self, id: str, record: str) -> None:
        with self._database.writing() as db:
            db.execute("UPDATE keys SET record = ? WHERE id = ?", (record, id))

    def version(self) -> int:
        with self._database.reading() as db:
            number: int = db.execute("PRAGMA data_version").fetchone()[0]
        return number

    # ------------------------------------------------------------ meters

    def meter(self, key: str, change: Callable[[Meters], Meters]) -> None:
        with self._database.writing() as db:
            rows = db.execute("SELECT unit, arrival FROM meters WHERE key = ?", (key,))
            for unit, arrival in change(dict(rows.fetchall())).items():
                db.execute("INSERT OR REPLACE INTO meters VALUES (?, ?, ?)", (key, unit, arrival))

    # ------------------------------------------------------------ budgets

    def hold(self, id: str, key: str, window: str, amount: int, budget: int, at: float) -> bool:
        with self._database.writing() as db:
            spent, held = _purse(db, key, window)
            if spent + held + amount > budget:
                return False
            db.execute(_WRITE_PURSE, (key, window, spent, held + amount))
            db.execute(
                "INSERT INTO holds (id, key, amount, owner, at) VALUES (?, ?, ?, ?, ?)",
                (id, key, amount, self._owner.name, at),
            )
        return True

    def settle(self, id: str, window: str, cost: int | None) -> None:
        with self._database.writing() as db:
            row = db.execute("SELECT key, amount FROM holds WHERE id = ?", (id,)).fetchone()
            if row is None:
                return
            key, amount = row
            spent, held = _purse(db, key, window)
            paid = amount if cost is None else cost
            db.execute("DELETE FROM holds WHERE id = ?", (id,))
            db.execute(_WRITE_PURSE, (key, window, spent + paid, max(0, held - amount)))

    def balance(self, key: str, window: str) -> tuple[int, int]:
        with self._database.reading() as db:
            return _purse(db, key, window)

    def recover(self, before: float) -> int:
        with self._database.writing() as db:
            holds = db.execute("SELECT id, key, amount, owner, at FROM holds").fetchall()
            lost = [row for row in holds if row[4] < before or not self._owner.lives(row[3])]
            for id, key, amount, _, _ in lost:
                db.execute(
                    "UPDATE purses SET spent = spent + ?, held = MAX(0, held - ?) WHERE key = ?",
                    (amount, amount, key),
                )
                db.execute("DELETE FROM holds WHERE id = ?", (id,))
        return len(lost)

    # ------------------------------------------------------------ kept answers

    def claim_answer(
        self, caller: str, token: str, fingerprint: bytes, at: float, since: float
    ) -> IdempotencyRecord | None:
        with self._database.writing() as db:
            db.execute("DELETE FROM answers WHERE at < ?", (since,))
            row = db.execute(
                "SELECT owner, asked, status, headers, body FROM answers"
                " WHERE caller = ? AND token = ?",
                (caller, token),
            ).fetchone()
            if row is not None:
                record = IdempotencyRecord(*row[1:])
                abandoned = record.status is None and not self._owner.lives(row[0])
                if not (abandoned and record.fingerprint == fingerprint):
                    return record
            db.execute(
                "INSERT OR REPLACE INTO answers (caller, token, asked, owner, at)"
                " VALUES (?, ?, ?, ?, ?)",
                (caller, token, fingerprint, self._owner.name, at),
            )
        return None

    def keep_answer(
        self, caller: str, token: str, row: KeptRow, most: int, most_bytes: int
    ) -> None:
        size = len(row.headers) + len(row.body)
        with self._database.writing() as db:
            db.execute(_KEEP_ANSWER, (*row, size, caller, token))
            count, total = db.execute(_KEPT_OF, (caller,)).fetchone()
            if count > most or total > most_bytes:
                db.execute(_TRIM_ANSWERS, (caller, most, most_bytes))

    def drop_answer(self, caller: str, token: str) -> None:
        with self._database.writing() as db:
            db.execute("DELETE FROM answers WHERE caller = ? AND token = ?", (caller, token))

    def forget_answers(self, tenant: str, conversation: str) -> int:
        with self._database.writing() as db:
            done = db.execute(
                "DELETE FROM answers WHERE conversation = ? AND tenant = ?", (conversation, tenant)
            )
        self._database.wipe()
        return done.rowcount

    def sweep_answers(self, before: float) -> int:
        with self._database.writing() as db:
            done = db.execute("DELETE FROM answers WHERE at < ?", (before,))
        self._database.wipe()
        return done.rowcount


def _purse(db: sqlite3.Connection, key: str, window: str) -> tuple[int, int]:
    """Spent in `window`, and held."""
    row = db.execute("SELECT window, spent, held FROM purses WHERE key = ?", (key,)).fetchone()
    if row is None:
        return 0, 0
    return (row[1] if row[0] == window else 0), row[2]
