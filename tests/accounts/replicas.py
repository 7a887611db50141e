"""Several processes on one PostgreSQL, simulated: each with leases, a clock and an outage of its
own, and no thread, so that a test decides when orders are given."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from shortstop.accounts import Accounts, Grant, Key
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.money import dollars
from shortstop.ports.leases import LeaseStore
from shortstop.ports.stores import Stores
from tests.conftest import FakeClock
from tests.postgres import PostgresServer

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

import psycopg

from shortstop.stores.postgres.stores import PostgresStores


class FlakyLeases:
    """Loses the next answers: `fails` says of each whether the order was carried out before."""

    def __init__(self, real: LeaseStore) -> None:
        self._real = real
        self.fails: list[bool] = []
        self.away = False
        self.during: Callable[[], None] = lambda: None
        """What happens while an order is under way."""
        self.calls = 0

    def exchange(self, purses, meters, at):  # type: ignore[no-untyped-def]
        self.calls += 1
        if self.away:
            raise StoreUnavailable("The database is away.", code="store_unreachable")
        self.during()
        carried_out = self.fails.pop(0) if self.fails else None
        answer = None if carried_out is False else self._real.exchange(purses, meters, at)
        if carried_out is not None:
            raise StoreUnavailable("The answer was lost.", code="store_slow")
        return answer


class Replica:
    """`ahead` is how many seconds its clock is before others'."""

    def __init__(self, stores: Stores, clock: FakeClock, ahead: float = 0.0) -> None:
        self._shared = clock
        self._ahead = ahead
        self.store = stores.accounts()
        self.store.leases = self.flaky = FlakyLeases(self.store.leases)  # type: ignore[misc, assignment, arg-type]
        self.accounts = Accounts(self.store, self)
        self.accounts.lease(threaded=False)

    def time(self) -> float:
        return self._shared.now + self._ahead

    def monotonic(self) -> float:
        return self._shared.now

    @property
    def leases(self):  # type: ignore[no-untyped-def]
        return self.accounts.leases

    def hold(self, id: str, key: Key, usd: str | Decimal) -> str | None:
        known = self.accounts.keys.get(key.id)
        return self.accounts.purse.hold_or_name(id, known or key, Decimal(usd))

    def hold_at_once(self, id: str, key: Key, usd: Decimal) -> bool:
        """From the slices as they are, also while an order is under way."""
        want = self.accounts.purse._want(id, key, usd, 0.0)  # type: ignore[attr-defined]
        with self.leases.lock:
            return bool(self.leases._granted(want, self.monotonic()))

    def settle(self, id: str, key: Key, usd: str | Decimal | None) -> None:
        self.accounts.purse.settle(id, key, None if usd is None else Decimal(usd))

    def turn(self) -> None:
        self.leases.turn()

    def close(self) -> None:
        with suppress(StoreError):
            self.accounts.close()

    def declared_dead(self, server: PostgresServer, database: str) -> None:
        """Its last sign of life was long ago."""
        heartbeat = self.store._heartbeat  # type: ignore[attr-defined]
        heartbeat._stopped.set()
        if heartbeat._thread is not None:
            heartbeat._thread.join()
        server.sql(
            f"UPDATE owners SET until = clock_timestamp() WHERE name = '{heartbeat.name}'", database
        )

    def crash(self, server: PostgresServer, database: str) -> None:
        """Ends without a word."""
        self.declared_dead(server, database)
        self.store._beside.close()  # type: ignore[attr-defined]
        self.store._database.close()  # type: ignore[attr-defined]


class World:
    """Replicas of one gateway, and what its database holds."""

    def __init__(self, server: PostgresServer, url: str, clock: FakeClock) -> None:
        self.server, self.clock = server, clock
        self.name = url.partition("@/")[2].partition("?")[0]
        self.stores: Stores = PostgresStores(url)
        self._connection = psycopg.connect(url, autocommit=True)
        self.replicas: list[Replica] = []

    def replica(self, ahead: float = 0.0) -> Replica:
        self.replicas.append(Replica(self.stores, self.clock, ahead))
        return self.replicas[-1]

    def key(self, **said: Any) -> Key:
        accounts = Accounts(self.stores.accounts(), self.clock)
        try:
            return accounts.create(Grant(name="anna", **said))[1]
        finally:
            accounts.close()

    def purse(self, id: str) -> tuple[Decimal, Decimal]:
        """Spent and held, US dollars, whatever the window."""
        rows = self.sql(f"SELECT spent, held FROM purses WHERE key = '{id}'")
        spent, held = rows[0] if rows else (0, 0)
        return dollars(int(str(spent))), dollars(int(str(held)))

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        done = self._connection.execute(statement)  # type: ignore[arg-type]
        return done.fetchall() if done.description else []

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for replica in self.replicas:
            replica.turn()

    def crash(self, replica: Replica) -> None:
        self.replicas.remove(replica)
        replica.crash(self.server, self.name)

    def close(self) -> None:
        for replica in self.replicas:
            replica.close()
        self._connection.close()

    def empty(self) -> None:
        self.sql("TRUNCATE keys, purses, holds, owners, budget_groups, meters, meter_leases")
