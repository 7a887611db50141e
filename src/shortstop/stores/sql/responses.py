"""Stored responses, shared by all workers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from shortstop.errors import StoreUnavailable
from shortstop.stores.sql.database import SqlDatabase
from shortstop.stores.sql.earlier import SEALED
from shortstop.types.rows import ResponseLink, ResponseRow

_COLUMNS = "SELECT id, owner, parent, at, turn, response, tenant, conversation FROM responses"
_PUT = """
INSERT INTO responses (id, owner, parent, at, turn, response, tenant, conversation)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
owner = excluded.owner, parent = excluded.parent, at = excluded.at, turn = excluded.turn,
response = excluded.response, tenant = excluded.tenant, conversation = excluded.conversation
"""
_CHAIN = """
WITH RECURSIVE chain AS (
    SELECT id, parent, turn, 1 AS length FROM responses WHERE id = ? AND owner = ? AND at >= ?
    UNION ALL
    SELECT earlier.id, earlier.parent, earlier.turn, length + 1 FROM chain
    JOIN responses AS earlier ON earlier.id = chain.parent
    WHERE earlier.owner = ? AND earlier.at >= ? AND length < ?
)
SELECT id, parent, turn FROM chain ORDER BY length
"""
_SEAL = "UPDATE responses SET turn = ?, response = ? WHERE id = ?"
_OPEN = f"{_COLUMNS} WHERE substr(turn, 1, 1) != ? LIMIT ?"


class SqlResponses:
    """Implements ports.stores.ResponseStore. Opened when first used: most gateways are never asked
    to remember."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def keep(self, row: ResponseRow) -> None:
        with self._database.reading() as db:
            db.execute(_PUT, row)

    def find(self, owner: str, id: str, since: float) -> ResponseRow | None:
        with self._database.reading() as db:
            row = db.execute(
                f"{_COLUMNS} WHERE id = ? AND owner = ? AND at >= ?", (id, owner, since)
            ).fetchone()
        return ResponseRow(*row) if row else None

    def chain(self, owner: str, id: str, since: float, most: int) -> list[ResponseLink]:
        with self._database.reading() as db:
            rows = db.execute(_CHAIN, (id, owner, since, owner, since, most)).fetchall()
        return [ResponseLink(*row) for row in rows]

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
        if not self._database.exists:
            return 0
        count = self.delete_before(before)
        self._database.wipe()
        return count

    def seal_earlier(self, change: Callable[[ResponseRow], ResponseRow], limit: int) -> int:
        if not self._database.exists:
            return 0
        with self._database.writing("responses") as db:
            rows = db.execute(_OPEN, (SEALED, limit)).fetchall()
            for row in rows:
                one = change(ResponseRow(*row))
                db.execute(_SEAL, (one.turn, one.response, one.id))
        return len(rows)

    def close(self) -> None:
        self._database.close()
