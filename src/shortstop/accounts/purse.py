"""The money of API keys: reserved before a request, settled after it.

What is spent and what is reserved never exceed the budget together, however many workers ask at
once: the store reads and raises both in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from shortstop.accounts.keys import LONGEST_HOLD, Period
from shortstop.accounts.teambook import TeamBook
from shortstop.money import dollars, pico, pico_up
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore
from shortstop.types.accounts import BudgetLevel, PurseWindow


class Allowance(Protocol):
    """What may be spent in a period, and in whose name; a key is one."""

    @property
    def id(self) -> str: ...

    @property
    def budget_usd(self) -> Decimal | None: ...

    @property
    def period(self) -> Period: ...

    @property
    def team(self) -> str | None:
        """Whose budget it uses as well, with that of its organisation."""

    @property
    def shares(self) -> bool:
        """Whether something may have been set aside for it in a team's purse."""


@dataclass(frozen=True, slots=True)
class Cap:
    """What may be spent beside the budgets of keys: by default in a UTC day, with no team."""

    id: str
    budget_usd: Decimal
    period: Period = "day"
    team: str | None = None
    shares: bool = True
    """A team may have paid when the call began."""


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
    """The budgets of all keys, teams and organisations. Every method raises StoreError."""

    def __init__(self, store: AccountStore, clock: Clock, teams: TeamBook) -> None:
        self._store = store
        self._clock = clock
        self._teams = teams

    def hold(self, id: str, payer: Allowance, amount: Decimal) -> bool:
        """Set `amount` aside for request `id` on every level. False when one does not cover it."""
        return self.hold_or_name(id, payer, amount) is None

    def hold_or_name(
        self, id: str, payer: Allowance, amount: Decimal, lasts: float = 0.0
    ) -> str | None:
        """The same; the id of the first level that does not cover it. It may be held `lasts`
        seconds longer than requests are."""
        now, most = self._clock.time(), pico_up(amount)
        at = now + lasts
        if payer.team is not None:
            return self._store.hold_levels(id, self.levels(payer), most, at)
        assert payer.budget_usd is not None
        current, budget = window(payer.period, now), pico(payer.budget_usd)
        held = self._store.hold(id, payer.id, current, most, budget, at)
        return None if held else payer.id

    async def held(
        self, id: str, payer: Allowance, amount: Decimal, lasts: float = 0.0
    ) -> str | None:
        """The same, without holding up others where the store takes its time."""
        return self.hold_or_name(id, payer, amount, lasts)

    async def lacks(self, payer: Allowance, amount: Decimal) -> str | None:
        """The id of the first level that does not cover `amount`; nothing is set aside."""
        for level in self.levels(payer) if amount else ():
            balance = self.balance_of(level)
            if pico_up(balance.spent + balance.held + amount) > level.budget:
                return level.purse
        return None

    def levels(self, payer: Allowance) -> list[BudgetLevel]:
        """The payer's own budget, then its team's, then its organisation's."""
        levels = []
        if payer.budget_usd is not None:
            current = PurseWindow.exactly(window(payer.period, self._clock.time()))
            levels.append(BudgetLevel(payer.id, pico(payer.budget_usd), current))
        if payer.team is not None:
            levels += self._teams.levels(payer.team)
        return levels

    def settle(self, id: str, payer: Allowance, cost: Decimal | None) -> None:
        """The request cost `cost`; None, where it is unknown, counts what was set aside.

        Settling twice, or what was never held, changes nothing. It counts where it was held: for a
        key that was moved meanwhile, in the team that it was in.
        """
        current = window(payer.period, self._clock.time())
        spent = None if cost is None else pico_up(cost)
        self._store.settle(id, current, spent, self._teams.window if payer.shares else None)

    def balance(self, payer: Allowance) -> Balance:
        """What the payer itself has spent, whoever else pays with it."""
        current = window(payer.period, self._clock.time())
        spent, held = self._store.balance(payer.id, current)
        return Balance(dollars(spent), dollars(held), current)

    def balance_of(self, level: BudgetLevel) -> Balance:
        spent, held = self._store.balance(level.purse, level.window)
        return Balance(dollars(spent), dollars(held), level.window.name)

    def expire(self) -> None:
        """The store's business: see `recover`."""

    def recover(self) -> int:
        """Settle what processes that died had set aside; how many requests. Counted as spent in
        full: a dead process cannot say what the vendor will bill."""
        return self._store.recover(self._clock.time() - LONGEST_HOLD)
