"""All stores of one gateway as SQLite files."""

from __future__ import annotations

from dataclasses import dataclass

from shortstop.ports import Clock
from shortstop.stores.owners import Owner
from shortstop.stores.paths import Paths
from shortstop.stores.sqlite.accounts import SqliteAccounts
from shortstop.stores.sqlite.batches import SqliteBatches
from shortstop.stores.sqlite.files import SqliteFiles
from shortstop.stores.sqlite.reading import SqliteFigures, SqliteReports
from shortstop.stores.sqlite.responses import SqliteResponses
from shortstop.stores.sqlite.rows import SqliteRows
from shortstop.stores.sqlite.runs import SqliteRuns
from shortstop.stores.sqlite.surrogates import SqliteSurrogates
from shortstop.stores.sqlite.taints import SqliteTaints


@dataclass(frozen=True, slots=True)
class SqliteStores:
    """Implements ports.stores.Stores."""

    paths: Paths

    def rows(self, *, fsync: bool = False) -> SqliteRows:
        return SqliteRows(self.paths.traces, fsync=fsync)

    def reports(self) -> SqliteReports:
        return SqliteReports(self.paths.traces)

    def figures(self) -> SqliteFigures:
        return SqliteFigures(self.paths.traces)

    def responses(self) -> SqliteResponses:
        return SqliteResponses(self.paths.responses)

    def accounts(self) -> SqliteAccounts:
        return SqliteAccounts(self.paths.accounts, Owner(self.paths.owners))

    def taints(self, clock: Clock, kept_s: float, unnamed_ttl_s: float) -> SqliteTaints:
        return SqliteTaints(self.paths.taints, clock, kept_s, unnamed_ttl_s)

    def surrogates(self) -> SqliteSurrogates:
        return SqliteSurrogates(self.paths.vault)

    def runs(self) -> SqliteRuns:
        return SqliteRuns(self.paths.runs)

    def files(self) -> SqliteFiles:
        return SqliteFiles(self.paths.batches)

    def batches(self) -> SqliteBatches:
        return SqliteBatches(self.paths.batches, Owner(self.paths.owners))

    def events(self) -> None:
        return None

    def leaders(self) -> None:
        return None

    def specialists(self) -> None:
        return None

    def hints(self) -> None:
        return None
