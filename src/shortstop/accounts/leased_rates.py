"""Rate limits that several machines share: counted in leased slices, without the database."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from shortstop.accounts import meter
from shortstop.accounts.keys import Key
from shortstop.accounts.leases import LeaseKeeper, Want
from shortstop.accounts.rates import BACKGROUND_SHARE, RateLimits, limited, limits_of, told
from shortstop.accounts.slices import LeasedSlice, SliceTerms
from shortstop.errors import RateLimited
from shortstop.ports import Clock
from shortstop.ports.leases import LEASE_SECONDS
from shortstop.ports.stores import AccountStore
from shortstop.types import Admission
from shortstop.types.leases import Leased, LeaseOrder, MeterChange, MeterOrder, SharedMeter

log = logging.getLogger(__name__)

FIRST = 8
"""Times what the first request needs."""
MARGIN_SECONDS = 5.0
"""So long before the store's own time a slice is used no more."""


@dataclass(slots=True, eq=False)
class MeterHolding:
    """Implements leases.Holding. `told_at` is when the store said what is left."""

    key: str
    unit: str
    limit: int
    slice: LeasedSlice
    told_at: float = float("-inf")

    def order(self, wanted: Sequence[int], named: str, now: float) -> tuple[LeaseOrder, MeterOrder]:
        order, terms = self.slice.order(wanted, named, now)

        def change(state: SharedMeter, spent: int) -> MeterChange:
            found = meter.mended(state, self.limit)
            if found != state:
                log.warning(
                    "the limit of %s %s a minute of key %s: what the database had of it cannot be,"
                    " so it counts as used up for a minute at most",
                    self.limit, self.unit, self.key,
                )  # fmt: skip
            kept = SliceTerms(0, min(terms.floor, found.mine), terms.wanted, terms.extra)
            return meter.shared(found, self.limit, spent, kept.size)

        return order, MeterOrder(order, self.key, self.unit, change)

    def answered(self, order: LeaseOrder, answer: Leased, asked: float, now: float) -> None:
        self.slice.answered(order, answer, now)
        self.slice.lapses, self.told_at = asked + LEASE_SECONDS - MARGIN_SECONDS, now

    def reading(self, amount: int, share: float, now: float) -> meter.MeterReading:
        """Whether `amount` may arrive now, by what the store said last, and what is left then."""
        each = meter.WINDOW / self.limit
        left = self._left(now)
        spared = self.limit - max(self.limit * share, min(amount, self.limit))
        admitted = left - amount >= spared
        used = self.limit - left + (amount if admitted else 0)
        return meter.MeterReading(
            0.0,
            admitted,
            max(0, self.limit - used),
            max(0, used) * each,
            retry_after=0.0 if admitted else max(each, (spared + amount - left) * each),
            too_large=amount > self.limit,
        )

    def _left(self, now: float) -> int:
        """What came back since then is nobody else's, as far as is known."""
        back = (now - self.told_at) * self.limit / meter.WINDOW if self.slice.lease else 0
        return min(self.limit, self.slice.left + self.slice.free(now) + int(back))


class LeasedRates(RateLimits):
    """The limits of all keys, by leases: no more is admitted in all than one meter would admit."""

    def __init__(self, store: AccountStore, clock: Clock, leases: LeaseKeeper) -> None:
        super().__init__(store, clock)
        self._leases = leases

    def admit(self, key: Key, tokens: int, *, background: bool = False) -> Admission:
        return _admission(self._leases.wait(self._want(key, tokens, background)))

    async def admitted(self, key: Key, tokens: int, *, background: bool = False) -> Admission:
        return _admission(await self._leases.waited(self._want(key, tokens, background)))

    def _want(self, key: Key, tokens: int, background: bool) -> Want[Admission | RateLimited]:
        share = BACKGROUND_SHARE if background else 1.0
        limits = limits_of(key, tokens)
        with self._leases.lock:
            parts = [(self._holding(key, *one[:2]), one[2]) for one in limits]

        def headers(admitted: bool) -> dict[str, str]:
            now, all_ = self._clock.monotonic(), {}
            for holding, amount in parts:
                reading = holding.reading(amount if admitted else 0, 1.0, now)
                all_.update(told(holding.unit, holding.limit, reading))
            return all_

        def grant() -> Admission:
            now, left = self._clock.monotonic(), headers(True)
            for holding, amount in parts:
                holding.slice.spend(amount, now)
            return Admission(left, tokens if key.tpm is not None else None)

        def refuse(short: LeasedSlice) -> RateLimited:
            now = self._clock.monotonic()
            holding, amount = next(
                (one for one in parts if not one[0].reading(one[1], share, now).admitted),
                next(one for one in parts if one[0].slice is short),
            )
            reading = holding.reading(amount, share, now)
            return limited(holding.unit, holding.limit, reading, headers(False))

        def fresh() -> bool:
            now = self._clock.monotonic()
            return all(holding.reading(amount, share, now).admitted for holding, amount in parts)

        return Want(
            [(holding.slice, amount) for holding, amount in parts],
            grant,
            refuse,
            fresh if background else None,
        )

    def _holding(self, key: Key, unit: str, limit: int) -> MeterHolding:
        of = ("meter", key.id, unit)
        found = self._leases.holdings.get(of)
        if not isinstance(found, MeterHolding):
            found = self._leases.holdings[of] = MeterHolding(
                key.id, unit, limit, LeasedSlice(FIRST)
            )
        found.slice.used_at = self._clock.monotonic()
        return found

    def correct(self, key: str, limit: int, units: int) -> None:
        with self._leases.lock:
            holding = self._leases.holdings.get(("meter", key, "tokens"))
            if holding is not None:
                holding.slice.spent += units


def _admission(outcome: Admission | RateLimited) -> Admission:
    if isinstance(outcome, RateLimited):
        raise outcome
    return outcome
