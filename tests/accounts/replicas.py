"""Several processes on one PostgreSQL, simulated: each with leases, a clock and an outage of its
own, and no thread, so that a test decides when orders are given."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

from shortstop.accounts import Accounts, Key
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.ports.leases import LeaseStore
from shortstop.ports.stores import Stores
from tests.conftest import FakeClock
from tests.postgres import PostgresServer


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
        want = self.accounts.purse._want(id, key, usd)  # type: ignore[attr-defined]
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
