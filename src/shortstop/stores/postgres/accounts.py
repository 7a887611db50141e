"""Keys, meters, budgets and kept answers of several machines.

A lock in a folder says nothing of another machine's processes: here an owner is alive as long as
it has said so within the last minutes, by the server's clock.
"""

from __future__ import annotations

import secrets

from shortstop.ports.replicas import KEYS
from shortstop.stores.postgres.database import PostgresDatabase
from shortstop.stores.postgres.heartbeat import LIVING, Heartbeat, alive
from shortstop.stores.postgres.hints import tell
from shortstop.stores.postgres.leases import PostgresLeases
from shortstop.stores.sql.accounts import SqlAccounts
from shortstop.stores.sql.database import SqlSession

_LOST = f"""
SELECT id, key, amount FROM holds WHERE at < ? OR owner <> ? AND NOT EXISTS (
    SELECT FROM owners WHERE name = owner AND {LIVING}
)
"""  # noqa: S608 - made of fixed texts


class PostgresAccounts(SqlAccounts):
    """`beside` is the same database with the time that calls have for which no request waits."""

    def __init__(self, database: PostgresDatabase, beside: PostgresDatabase) -> None:
        super().__init__(database)
        self._heartbeat = Heartbeat(database, secrets.token_hex(8))
        self._beside = beside
        self.leases = PostgresLeases(beside, self._heartbeat)

    def close(self) -> None:
        self._heartbeat.stop()
        self._beside.close()
        super().close()

    def version(self) -> int:
        with self._database.reading() as db:
            number: int = db.execute("SELECT number FROM keys_version").fetchone()[0]
        return number

    def _keys_changed(self, db: SqlSession) -> None:
        db.execute("UPDATE keys_version SET number = number + 1")
        tell(db, KEYS)

    def _owner(self, db: SqlSession) -> str:
        self._heartbeat.begin(db)
        return self._heartbeat.name

    def _lost(self, db: SqlSession, before: float) -> list[tuple[str, str, int]]:
        """By one statement, however many have set something aside."""
        return list(db.execute(_LOST, (before, self._heartbeat.name)))

    def _lives(self, db: SqlSession, owner: str) -> bool:
        return owner == self._heartbeat.name or alive(db, owner)
