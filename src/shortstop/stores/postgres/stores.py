"""All stores of gateways that share one PostgreSQL database."""

from __future__ import annotations

from dataclasses import dataclass

from shortstop.ports import Clock
from shortstop.stores.postgres.accounts import PostgresAccounts
from shortstop.stores.postgres.database import PostgresDatabase, PostgresSource
from shortstop.stores.postgres.rows import PostgresRows
from shortstop.stores.postgres.shared import CALL_SECONDS, SharedStores
from shortstop.stores.postgres.taints import PostgresTaints
from shortstop.stores.sql.figures import SqlFigures
from shortstop.stores.sql.reports import SqlReports
from shortstop.stores.sql.responses import SqlResponses
from shortstop.stores.sql.runs import SqlRuns
from shortstop.stores.sql.surrogates import SqlSurrogates
from shortstop.stores.sqlite.batches import SqliteBatches
from shortstop.stores.sqlite.files import SqliteFiles
from shortstop.stores.sqlite.stores import SqliteStores

LEASE_CALL_SECONDS = 8.0
"""Slices are renewed ahead of need, also where the server is slow."""


@dataclass(frozen=True, slots=True)
class PostgresStores(SharedStores):
    """What machines share: all of ports.stores.Stores but batches."""

    def rows(self, *, fsync: bool = False) -> PostgresRows:
        return PostgresRows(self.url)

    def reports(self) -> SqlReports:
        return SqlReports(PostgresSource(self.url))

    def figures(self) -> SqlFigures:
        return SqlFigures(PostgresSource(self.url))

    def responses(self) -> SqlResponses:
        return SqlResponses(self._database())

    def accounts(self) -> PostgresAccounts:
        return PostgresAccounts(self._database(), PostgresDatabase(self.url, LEASE_CALL_SECONDS))

    def taints(self, clock: Clock, kept_s: float, unnamed_ttl_s: float) -> PostgresTaints:
        return PostgresTaints(self._database(), clock, kept_s, unnamed_ttl_s)

    def surrogates(self) -> SqlSurrogates:
        return SqlSurrogates(self._database())

    def runs(self) -> SqlRuns:
        return SqlRuns(self._database())

    def _database(self) -> PostgresDatabase:
        return PostgresDatabase(self.url, CALL_SECONDS)


@dataclass(frozen=True, slots=True)
class ReplicaStores(PostgresStores):
    """Implements ports.stores.Stores. A batch is worked off by the machine that took it, and its
    files are on that machine's disk."""

    machine: SqliteStores

    def files(self) -> SqliteFiles:
        return self.machine.files()

    def batches(self) -> SqliteBatches:
        return self.machine.batches()
