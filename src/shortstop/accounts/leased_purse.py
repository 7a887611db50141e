"""Budgets that several machines share: spent from leased slices, without the database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from shortstop.accounts.calendar import SKEW
from shortstop.accounts.keys import LONGEST_HOLD
from shortstop.accounts.leases import LeaseKeeper, Want
from shortstop.accounts.purse import Allowance, Balance, Purse, window
from shortstop.accounts.slices import LeasedSlice
from shortstop.accounts.teambook import TeamBook
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.money import dollars, pico, pico_up
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore
from shortstop.types.accounts import BudgetLevel, PurseWindow
from shortstop.types.leases import Leased, LeaseOrder, PurseOrder

FIRST = 4
"""Times the most that the first request can cost."""


@dataclass(slots=True, eq=False)
class PurseHolding:
    """Implements leases.Holding. `now` is the level as it is now; it may raise StoreError."""

    level: BudgetLevel
    now: Callable[[], BudgetLevel]
    slice: LeasedSlice

    def follow(self, level: BudgetLevel, now: Callable[[], BudgetLevel]) -> None:
        """A budget or a window that is another one is asked about at once."""
        before, self.level, self.now = self.level, level, now
        if (before.budget, before.window.name) != (level.budget, level.window.name):
            self.slice.change()

    def order(self, wanted: Sequence[int], named: str, now: float) -> tuple[LeaseOrder, PurseOrder]:
        with suppress(StoreError):  # of a team that is not known any more: as it was
            self.level = self.now()
        order, terms = self.slice.order(wanted, named, now)
        return order, PurseOrder(order, self.level, terms.size)

    def answered(self, order: LeaseOrder, answer: Leased, asked: float, now: float) -> None:
        self.slice.answered(order, answer, now)


@dataclass(frozen=True, slots=True)
class _Held:
    """What is set aside for a request in slices, each as it was leased then."""

    amount: int
    slices: tuple[tuple[LeasedSlice, int], ...]
    at: float


class LeasedPurse(Purse):
    """The budgets of all keys, teams and organisations, by leases. Overshoots nothing: what is
    leased is set aside in the store."""

    def __init__(
        self, store: AccountStore, clock: Clock, teams: TeamBook, leases: LeaseKeeper
    ) -> None:
        super().__init__(store, clock, teams)
        self._leases = leases
        self._held: dict[str, _Held] = {}

    # ------------------------------------------------------------ requests

    def hold_or_name(
        self, id: str, payer: Allowance, amount: Decimal, lasts: float = 0.0
    ) -> str | None:
        return self._leases.wait(self._want(id, payer, amount, lasts))

    async def held(
        self, id: str, payer: Allowance, amount: Decimal, lasts: float = 0.0
    ) -> str | None:
        return await self._leases.waited(self._want(id, payer, amount, lasts))

    async def lacks(self, payer: Allowance, amount: Decimal) -> str | None:
        id = secrets.token_hex(8)
        full = await self.held(id, payer, amount)
        self.settle(id, payer, Decimal(0))
        return full

    def _want(self, id: str, payer: Allowance, amount: Decimal, lasts: float) -> Want[str | None]:
        most, levels = pico_up(amount), self._sources(payer)
        known = [(level(), level) for level in levels]
        with self._leases.lock:
            holdings = [self._holding(level, now) for level, now in known]
        names = {holding.slice: holding.level.purse for holding in holdings}
        slices = list(names)
        return Want(
            [(slice_, most) for slice_ in slices],
            lambda: self._hold(id, slices, most, lasts),
            names.__getitem__,
        )

    def _holding(self, level: BudgetLevel, now: Callable[[], BudgetLevel]) -> PurseHolding:
        of = ("purse", level.purse)
        found = self._leases.holdings.get(of)
        if not isinstance(found, PurseHolding):
            found = self._leases.holdings[of] = PurseHolding(level, now, LeasedSlice(FIRST))
        found.follow(level, now)
        found.slice.used_at = self._clock.monotonic()
        return found

    def _sources(self, payer: Allowance) -> list[Callable[[], BudgetLevel]]:
        """What gives each level of a payer as it is now."""
        levels: list[Callable[[], BudgetLevel]] = []
        if payer.budget_usd is not None:
            levels.append(partial(self._own, payer))
        if payer.team is not None:
            groups = [level.purse for level in self._teams.levels(payer.team)]
            levels += [partial(self._shared, id) for id in groups]
        return levels

    def _shared(self, group: str) -> BudgetLevel:
        found = self._teams.get(group)
        if found is None:
            raise StoreUnavailable("The budget of a team cannot be read now.", retry_after=1.0)
        return self._teams.level(found)

    def _own(self, payer: Allowance) -> BudgetLevel:
        """Its window never goes back for a process whose clock is behind."""
        assert payer.budget_usd is not None
        now = self._clock.time()
        name = window(payer.period, now)
        latest = max(name, window(payer.period, now + SKEW))
        return BudgetLevel(payer.id, pico(payer.budget_usd), PurseWindow(name, name, latest))

    def _hold(self, id: str, slices: Sequence[LeasedSlice], amount: int, lasts: float) -> None:
        now = self._clock.monotonic()
        for slice_ in slices:
            slice_.hold(amount, now)
        parts = tuple((slice_, slice_.generation) for slice_ in slices)
        self._held[id] = _Held(amount, parts, now + lasts)

    def settle(self, id: str, payer: Allowance, cost: Decimal | None) -> None:
        """Never waits for the store."""
        with self._leases.lock:
            self._settle(id, None if cost is None else pico_up(cost))

    def _settle(self, id: str, cost: int | None) -> None:
        held = self._held.pop(id, None)
        if held is not None:
            for slice_, generation in held.slices:
                spent = held.amount if cost is None else cost
                slice_.settle(held.amount, spent, generation)

    def expire(self) -> None:
        """Count as spent in full what was held for so long that no request can wait for it."""
        before = self._clock.monotonic() - LONGEST_HOLD
        with self._leases.lock:
            for id in [id for id, held in self._held.items() if held.at < before]:
                self._settle(id, None)

    # ------------------------------------------------------------ what is known

    def balance(self, payer: Allowance) -> Balance:
        return self._told(payer.id, super().balance(payer))

    def balance_of(self, level: BudgetLevel) -> Balance:
        return self._told(level.purse, super().balance_of(level))

    def _told(self, purse: str, balance: Balance) -> Balance:
        """What this process has leased is set aside only as far as its requests need it."""
        with self._leases.lock:
            holding = self._leases.holdings.get(("purse", purse))
            if holding is None:
                return balance
            slice_ = holding.slice
            free, spent = slice_.free(self._clock.monotonic()), slice_.spent
        held = max(Decimal(0), balance.held - dollars(spent) - dollars(free))
        return Balance(balance.spent + dollars(spent), held, balance.window)

    def recover(self) -> int:
        """The leases' business."""
        return 0
