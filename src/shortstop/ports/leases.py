"""The door to what machines share a budget by; it promises what `ports.stores` says of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shortstop.types.leases import Leased, MeterOrder, PurseOrder

LEASE_SECONDS = 90.0
"""A slice of a rate limit lapses so long after it was leased or renewed, by the database's clock:
what is in it then counts as used."""


class LeaseStore(Protocol):
    """Slices of budgets and rate limits, each of one process, so that not every request needs the
    database.

    What is leased counts as set aside: with all that is spent it never exceeds a budget. A slice
    whose process has died is given up by `AccountStore.recover`, as spent.
    """

    def exchange(
        self, purses: Sequence[PurseOrder], meters: Sequence[MeterOrder], at: float
    ) -> tuple[list[Leased], list[Leased]]:
        """Count what was spent of these slices, and make them as large as they are to be. One
        transaction; at most one order for a purse or a meter. The answers are in order.

        An order whose answer is lost may be repeated, with another name and the lost one among
        those `tried`: nothing is counted twice.
        """
