"""Sealed surrogates, for all workers that have the same key."""

from __future__ import annotations

from collections.abc import Callable

from shortstop.stores.sql.database import SqlDatabase, SqlSession, closed_on_failure
from shortstop.types.rows import SealedSurrogates

_GET = "SELECT key, sealed FROM drawer WHERE scope = ? AND expires > ?"
_PUT = """
INSERT INTO drawer (scope, key, sealed, expires) VALUES (?, ?, ?, ?) ON CONFLICT (scope)
DO UPDATE SET key = excluded.key, sealed = excluded.sealed, expires = excluded.expires
"""
_TRIM = """
DELETE FROM drawer WHERE scope IN (SELECT scope FROM drawer ORDER BY expires
LIMIT (SELECT CASE WHEN count(*) > ? THEN count(*) - ? ELSE 0 END FROM drawer))
"""


class SqlSurrogates:
    """Implements ports.stores.SurrogateStore."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        with closed_on_failure(database):
            database.open()

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
        with self._database.writing("surrogates") as db:
            _expire(db, now)
            row = db.execute(_GET, (scope, now)).fetchone()
            new = change(SealedSurrogates(*row) if row else None)
            db.execute(_PUT, (scope, *new, expires))
            db.execute(_TRIM, (most, most))

    def erase(self, scope: bytes, now: float) -> bool:
        with self._database.writing("surrogates") as db:
            _expire(db, now)
            return db.execute("DELETE FROM drawer WHERE scope = ?", (scope,)).rowcount > 0

    def sweep(self, now: float) -> int:
        with self._database.writing("surrogates") as db:
            return _expire(db, now)

    def close(self) -> None:
        self._database.close()


def _expire(db: SqlSession, now: float) -> int:
    return db.execute("DELETE FROM drawer WHERE expires <= ?", (now,)).rowcount
