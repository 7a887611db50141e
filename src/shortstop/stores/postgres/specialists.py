"""The specialists that replicas share: their files, and one row that says who is placed."""

from __future__ import annotations

from collections.abc import Collection

from shortstop.stores.postgres.leaders import require_term
from shortstop.stores.sql.database import SqlDatabase
from shortstop.types.replicas import SharedPlacements, SpecialistOverview

_OVERVIEW = """
SELECT coalesce((SELECT version FROM specialist_placements), 0), name
FROM (SELECT 1) AS always LEFT JOIN specialist_artefacts ON true
"""
_PLACEMENTS = "SELECT version, data FROM specialist_placements"
_FIRST = """
INSERT INTO specialist_placements (id, version, data) VALUES (1, 1, ?) ON CONFLICT DO NOTHING
"""
_NEXT = "UPDATE specialist_placements SET version = version + 1, data = ? WHERE version = ?"
_KEEP = "INSERT INTO specialist_artefacts (name, data) VALUES (?, ?) ON CONFLICT DO NOTHING"
_DROP = "DELETE FROM specialist_artefacts WHERE name = ?"
_OLD = """
SELECT name FROM specialist_artefacts WHERE at <= clock_timestamp() - ? * interval '1 second'
"""


class PostgresSpecialists:
    """Implements ports.replicas.SpecialistStore. `slow` is for files, which may take their time."""

    def __init__(self, database: SqlDatabase, slow: SqlDatabase) -> None:
        self._database = database
        self._slow = slow

    def overview(self) -> SpecialistOverview:
        with self._database.reading() as db:
            rows = db.execute(_OVERVIEW).fetchall()
        return SpecialistOverview(rows[0][0], frozenset(name for _, name in rows if name))

    def placements(self) -> SharedPlacements:
        with self._database.reading() as db:
            row = db.execute(_PLACEMENTS).fetchone()
        return SharedPlacements(*row) if row else SharedPlacements(0, b"")

    def replace_placements(self, version: int, data: bytes) -> bool:
        with self._database.writing() as db:
            if version == 0:
                return db.execute(_FIRST, (data,)).rowcount == 1
            return db.execute(_NEXT, (data, version)).rowcount == 1

    def artefact(self, name: str) -> bytes | None:
        with self._slow.reading() as db:
            row = db.execute(
                "SELECT data FROM specialist_artefacts WHERE name = ?", (name,)
            ).fetchone()
        return row[0] if row else None

    def keep_artefact(self, name: str, data: bytes) -> bool:
        with self._slow.writing() as db:
            return db.execute(_KEEP, (name, data)).rowcount == 1

    def drop_artefact(self, name: str) -> bool:
        with self._slow.writing() as db:
            return db.execute(_DROP, (name,)).rowcount == 1

    def sweep_artefacts(self, term: int, keep: Collection[str], seconds: float) -> int:
        with self._slow.writing() as db:
            require_term(db, term)
            old = {name for (name,) in db.execute(_OLD, (float(seconds),)).fetchall()}
            gone = sorted(old - set(keep))
            if gone:
                db.executemany(_DROP, [(name,) for name in gone])
        return len(gone)

    def close(self) -> None:
        self._database.close()
        self._slow.close()
