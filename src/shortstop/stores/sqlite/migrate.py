"""The schema of every file, changed only by numbered functions that are appended, never edited.

`PRAGMA user_version` holds the number of functions that have run. Each runs in a transaction
of its own, so a process that dies half-way leaves the version before or after, nothing between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from shortstop.errors import StoreError

Migration = Callable[[sqlite3.Connection], None]


def version(db: sqlite3.Connection) -> int:
    number: int = db.execute("PRAGMA user_version").fetchone()[0]
    return number


def check(db: sqlite3.Connection, name: object, migrations: Sequence[Migration]) -> int:
    """The file's version. Raises StoreError when a newer Shortstop wrote it."""
    number = version(db)
    if number > len(migrations):
        raise StoreError(
            f"{name} has schema version {number}; this Shortstop knows {len(migrations)}.",
            hint="Use the newer Shortstop that wrote it, or give this one another file.",
        )
    return number


def migrate(db: sqlite3.Connection, name: object, migrations: Sequence[Migration]) -> None:
    """Bring the database to the newest schema. Several processes may call this at once.

    Raises StoreError when a newer Shortstop wrote it, and sqlite3.Error.
    """
    while check(db, name, migrations) < len(migrations):
        db.execute("BEGIN IMMEDIATE")
        try:
            number = check(db, name, migrations)
            if number < len(migrations):
                migrations[number](db)
                db.execute(f"PRAGMA user_version = {number + 1}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
