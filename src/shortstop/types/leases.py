"""Slices of budgets and rate limits that a process has leased: what it asks a store for, and gets.

Amounts are whole units: pico-dollars of a purse, requests or tokens of a meter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shortstop.types.accounts import BudgetLevel

Size = Callable[[int], int]
"""The most that the slice may hold now -> what it is to hold. Pure: it may be called again."""


class SharedMeter(NamedTuple):
    """A meter as a store has it. `arrival` is that of all units that are counted or leased, None
    where nothing ever was; `now` is Unix seconds by the database's clock. Leased units: `mine`,
    those of `others`, and `lapsed` ones, whose holders may have used them."""

    arrival: float | None
    now: float
    mine: int
    others: int
    lapsed: int


class MeterChange(NamedTuple):
    """The meter's arrival and the units of one's own lease from now on; how many are left."""

    arrival: float
    leased: int
    left: int


class LeaseOrder(NamedTuple):
    """What became of a slice, and what it is to become, in one step.

    `lease` is the name under which the store has it ("" before the first), `named` the one from now
    on. `tried` are the names that earlier orders gave it whose outcome never came, each with the
    `spent` of that order: so that whichever the store has, nothing is counted twice. `spent` is
    what was used up since the last outcome that came.
    """

    lease: str
    named: str
    tried: tuple[tuple[str, int], ...]
    spent: int

    def counted(self, found: str) -> int:
        """Of `spent`, what the store has counted where it has the slice under the name `found`."""
        return dict(self.tried).get(found, 0)


class PurseOrder(NamedTuple):
    """Of a budget's slice."""

    order: LeaseOrder
    level: BudgetLevel
    size: Size


class MeterOrder(NamedTuple):
    """Of a rate limit's slice. `change` is told what to count as used; it must be pure."""

    order: LeaseOrder
    key: str
    unit: str
    change: Callable[[SharedMeter, int], MeterChange]


class Leased(NamedTuple):
    """The slice's name now ("": there is none), what it holds, and what is left beside it. All of
    the order's `spent` is counted. `lost`: the store had given the slice up and counted it as used
    up; nothing was done."""

    lease: str
    amount: int
    left: int
    lost: bool = False
