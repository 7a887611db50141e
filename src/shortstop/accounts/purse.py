"""Money of the keys: set aside before a request, settled after it. Whole pico-dollars (1e-12).

What is spent and what is set aside never exceed the budget together, whatever number of workers
asks at once: both are read and raised in one transaction.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from shortstop.accounts.database import AccountsDatabase, alive
from shortstop.accounts.keys import Key, Period
from shortstop.money import dollars, pico, pico_up
from shortstop.ports import Clock

LONGEST_HOLD = 3600.0
"""Seconds after which nobody can still be working on a request."""


@dataclass(frozen=True, slots=True)
class Balance:
    """US dollars: spent in this window, and set aside for requests under way."""

    spent: Decimal
    held: Decimal
    window: str


def window(period: Period, now: float) -> str:
    """The name of the window that `now` (Unix seconds) lies in; calendar days and months, UTC."""
    form = {"day": "%Y-%m-%d", "month": "%Y-%m", "total": "total"}[period]
    return datetime.fromtimestamp(now, UTC).strftime(form)


class Purse:
    def __init__(self, database: AccountsDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def hold(self, id: str, key: Key, amount: Decimal) -> bool:
        """Set `amount` aside for request `id`. False when the budget does not cover it."""
        assert key.budget_usd is not None
        now, wanted = self._clock.time(), pico_up(amount)
        with self._database.writing() as db:
            spent, held = self._row(key, now)
            if spent + held + wanted > pico(key.budget_usd):
                return False
            db.execute(
                "INSERT INTO purses VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
                " window = excluded.window, spent = excluded.spent, held = excluded.held",
                (key.id, window(key.period, now), spent, held + wanted),
            )
            db.execute(
                "INSERT INTO holds VALUES (?, ?, ?, ?, ?)", (id, key.id, wanted, os.getpid(), now)
            )
        return True

    def settle(self, id: str, key: Key, cost: Decimal | None) -> None:
        """The request cost `cost`; None, where nobody knows, counts what was set aside.

        Settling twice, or what was never held, changes nothing.
        """
        now = self._clock.time()
        with self._database.writing() as db:
            found = db.execute("SELECT amount FROM holds WHERE id = ?", (id,)).fetchone()
            if found is None:
                return
            spent, held = self._row(key, now)
            paid = found[0] if cost is None else pico_up(cost)
            db.execute("DELETE FROM holds WHERE id = ?", (id,))
            db.execute(
                "UPDATE purses SET window = ?, spent = ?, held = ? WHERE key = ?",
                (window(key.period, now), spent + paid, max(0, held - found[0]), key.id),
            )

    def balance(self, key: Key) -> Balance:
        with self._database.reading():
            now = self._clock.time()
            spent, held = self._row(key, now)
        return Balance(dollars(spent), dollars(held), window(key.period, now))

    def recover(self) -> int:
        """Settle what processes that died had set aside; how many. Counted as spent in full: a
        dead process cannot say what the vendor will bill."""
        with self._database.writing() as db:
            held = db.execute("SELECT id, key, amount, owner, at FROM holds").fetchall()
            oldest = self._clock.time() - LONGEST_HOLD
            lost = [row for row in held if row[4] < oldest or not alive(row[3])]
            for id, key, amount, _, _ in lost:
                db.execute(
                    "UPDATE purses SET spent = spent + ?, held = MAX(0, held - ?) WHERE key = ?",
                    (amount, amount, key),
                )
                db.execute("DELETE FROM holds WHERE id = ?", (id,))
        return len(lost)

    def _row(self, key: Key, now: float) -> tuple[int, int]:
        """Spent in the current window, and held."""
        with self._database.reading() as db:
            found = db.execute(
                "SELECT window, spent, held FROM purses WHERE key = ?", (key.id,)
            ).fetchone()
        if found is None:
            return 0, 0
        return (found[1] if found[0] == window(key.period, now) else 0), found[2]
