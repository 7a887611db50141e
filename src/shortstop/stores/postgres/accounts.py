"""Keys, meters, budgets and kept answers of several machines.

A lock in a folder says nothing of another machine's processes: here an owner is alive as long as
it has said so within the last minutes, by the server's clock.
"""

from __future__ import annotations

import secrets

from shortstop.stores.postgres.database import PostgresDatabase
from shortstop.stores.postgres.heartbeat import Heartbeat, alive
from shortstop.stores.sql.accounts import SqlAccounts
from shortstop.stores.sql.database import SqlSession


class PostgresAccounts(SqlAccounts):
    def __init__(self, database: PostgresDatabase) -> None:
        super().__init__(database)
        self._heartbeat = Heartbeat(database, secrets.token_hex(8))

    def close(self) -> None:
        self._heartbeat.stop()
        super().close()

    def version(self) -> int:
        with self._database.reading() as db:
            number: int = db.execute("SELECT number FROM keys_version").fetchone()[0]
        return number

    def _keys_changed(self, db: SqlSession) -> None:
        db.execute("UPDATE keys_version SET number = number + 1")

    def _owner(self, db: SqlSession) -> str:
        self._heartbeat.begin(db)
        return self._heartbeat.name

    def _lives(self, db: SqlSession, owner: str) -> bool:
        return owner == self._heartbeat.name or alive(db, owner)
