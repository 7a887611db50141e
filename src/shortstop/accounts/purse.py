"""The money of API keys: reserved before a request, settled after it.

What is spent and what is reserved never exceed the budget together, however many workers ask at
once: the store reads and raises both in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from shortstop.accounts.keys import Period
from shortstop.money import dollars, pico, pico_up
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore

LONGEST_HOLD = 3600.0
"""Seconds after which no request can still be running."""


class Allowance(Protocol):
    """What may be spent in a period, and in whose name; a key is one."""

    @property
    def id(self) -> str: ...

    @property
    def budget_usd(self) -> Decimal | None: ...

    @property
    def period(self) -> Period: ...


@dataclass(frozen=True, slots=True)
class Balance:
    """US dollars: spent in this window, and set aside for requests under way."""

    spent: Decimal
    held: Decimal
    window: str


def window(period: Period, now: float) -> str:
    """The name of the window that contains `now` (Unix seconds): a calendar day or month in UTC."""
    form = {"day": "%Y-%m-%d", "month": "%Y-%m", "total": "total"}[period]
    return datetime.fromtimestamp(now, UTC).strftime(form)


def window_start(period: Period, now: float) -> float | None:
    """When that window began (Unix seconds); None: it never did."""
    if period == "total":
        return None
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight if period == "day" else midnight.replace(day=1)).timestamp()


class Purse:
    """The budgets of all keys. Every method raises StoreError."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def hold(self, id: str, payer: Allowance, amount: Decimal) -> bool:
        """Set `amount` aside for request `id`. False when the budget does not cover it."""
        assert payer.budget_usd is not None
        now = self._clock.time()
        current = window(payer.period, now)
        budget = pico(payer.budget_usd)
        return self._store.hold(id, payer.id, current, pico_up(amount), budget, now)

    def settle(self, id: str, payer: Allowance, cost: Decimal | None) -> None:
        """The request cost `cost`; None, where it is unknown, counts what was set aside.

        Settling twice, or what was never held, changes nothing.
        """
        current = window(payer.period, self._clock.time())
        self._store.settle(id, current, None if cost is None else pico_up(cost))

    def balance(self, payer: Allowance) -> Balance:
        current = window(payer.period, self._clock.time())
        spent, held = self._store.balance(payer.id, current)
        return Balance(dollars(spent), dollars(held), current)

    def recover(self) -> int:
        """Settle what processes that died had set aside; how many requests. Counted as spent in
        full: a dead process cannot say what the vendor will bill."""
        return self._store.recover(self._clock.time() - LONGEST_HOLD)
