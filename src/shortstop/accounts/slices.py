"""Slices of budgets and rate limits, as a process has leased them, and how large they are to be.

A slice is spent without the database. Until the database has answered an order for it, no more of
it is used than the order leaves in any case: so it does not matter whether it was carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from shortstop.types.leases import Leased, LeaseOrder

SHARE = 20
"""A slice takes at most this part of what is left, beyond what requests under way need."""
AHEAD_SECONDS = 120.0
"""A slice is to last so long, at the pace at which it was used: as it is renewed every
REFRESH_SECONDS, it outlives a minute without the database, also at nearly twice the pace: when
another process has died, its requests come here."""
IDLE_SECONDS = 2.0
"""After so long without a request goes back what is more than that."""
KEPT_SECONDS = 300.0
"""And after so long all of it."""
FADE_SECONDS = 30.0
"""A pace that is not kept up counts half after so long."""
REFRESH_SECONDS = 8.0
"""At the latest so long after the last order others learn what was spent."""
TOUCH_SECONDS = 600.0
"""What only waits for its requests is renewed so often: an hour old it would be given up."""
LOW = 4
"""A slice is renewed when this part of what was free is left. It is full again every
REFRESH_SECONDS, so this matters where little may be leased at once, as of a limit near its end."""
PACE_SECONDS = 0.25
"""At least so long is between two orders that no request waits for, and between two refusals of
the database."""

_NEVER = (0, float("-inf"))


@dataclass(slots=True, eq=False)
class LeasedSlice:
    """`amount` is what may be used: held for requests under way, spent since the last order that
    was answered, and free. `peak` is the most that was held at once of late, `usual` what a request
    takes. Times are on the monotonic clock, in seconds.

    `first` is how many times what the first request needs the first slice is to hold.
    """

    first: int
    lease: str = ""
    tried: list[tuple[str, int]] = field(default_factory=list)
    amount: int = 0
    held: int = 0
    spent: int = 0
    left: int = 0
    generation: int = 0
    lapses: float = float("inf")
    used_at: float = float("-inf")
    ordered_at: float = float("-inf")
    peak: int = 0
    usual: int = 0
    goal: int = 0
    pace: float = 0.0
    refused: tuple[int, float] = _NEVER
    changed: bool = False
    """Whether others' share of it may be another one: the budget or its window has changed."""

    def free(self, now: float) -> int:
        if now >= self.lapses:
            return 0
        return max(0, self.amount - self.held - max(0, self.spent))

    def refuses(self, amount: int, now: float) -> bool:
        """Whether the database has just refused as much."""
        least, until = self.refused
        return now < until and amount >= least

    def hold(self, amount: int, now: float) -> None:
        self.held += amount
        self._used(amount, now)
        self.peak = max(self.peak, self.held)

    def spend(self, amount: int, now: float) -> None:
        """Without holding it before."""
        self.spent += amount
        self._used(amount, now)

    def _used(self, amount: int, now: float) -> None:
        self.used_at = now
        self.usual = (7 * self.usual + amount) // 8 if self.usual else amount

    def settle(self, amount: int, spent: int, generation: int) -> None:
        """What was held of a lease that was lost is counted as spent already."""
        if generation == self.generation:
            self.held -= amount
            self.spent += spent
        else:
            self.spent += max(0, spent - amount)

    def refuse(self, amount: int, now: float) -> None:
        """The database has no room for so much."""
        self.refused = (amount, now + PACE_SECONDS)

    def change(self) -> None:
        """The budget or its window is another one: what is left is not known."""
        self.changed, self.refused = True, _NEVER

    def end(self) -> None:
        """Nobody asks any more."""
        self.used_at = self.ordered_at = float("-inf")

    # ------------------------------------------------------------ orders

    @property
    def at_rest(self) -> bool:
        """Whether nothing of it is leased or to be told."""
        return not (self.lease or self.tried or self.held or self.spent)

    def due(self, now: float) -> bool:
        """Whether it is time for an order that no request waits for."""
        since = now - self.ordered_at
        if since < PACE_SECONDS or self.at_rest:
            return False
        if self.tried or self.changed:
            return True
        free = self.free(now)
        if (free or self.spent) and since > REFRESH_SECONDS:
            return True
        return since > TOUCH_SECONDS or self._runs_low(free) or free > self._kept(free, now)

    def nearly_due(self, now: float) -> bool:
        """Whether it may as well be part of others' transaction."""
        return bool(self.spent) and now - self.ordered_at > REFRESH_SECONDS / 2

    def runs_low(self, now: float) -> bool:
        """Whether most of what was free is used."""
        return now - self.ordered_at > PACE_SECONDS and self._runs_low(self.free(now))

    def _runs_low(self, free: int) -> bool:
        return LOW * free < self.goal and self.left > 0

    def _surplus(self, free: int, now: float) -> int:
        """What others may need more: little is left and much of it is here, or too little for the
        requests that come."""
        if now - self.refused[1] < IDLE_SECONDS:
            return free
        kept = (self.left + free) // SHARE if self.left else 0
        return free - kept if free > 2 * kept else 0

    def order(self, wanted: Sequence[int], named: str, now: float) -> tuple[LeaseOrder, SliceTerms]:
        """For requests that wait for these amounts; with what it is to hold."""
        free = self.free(now)
        self._measure(now)
        kept = free - self._surplus(free, now) if wanted else self._kept(free, now)
        ahead = wanted or self._in_use(now)
        extra = self._ahead(sum(wanted)) if ahead else self._spare(free, now)
        order = LeaseOrder(self.lease, named, tuple(self.tried), self.spent)
        terms = SliceTerms(self.held, self.held + kept, tuple(wanted), extra)
        self.amount = terms.floor + max(0, self.spent)
        self.tried.append((named, self.spent))
        self.ordered_at, self.changed = now, False
        return order, terms

    def _kept(self, free: int, now: float) -> int:
        """What of it stays while nobody waits for more."""
        kept = free - self._surplus(free, now)
        return kept if self._in_use(now) else min(kept, self._spare(free, now))

    def _in_use(self, now: float) -> bool:
        return now - self.used_at <= IDLE_SECONDS

    def _spare(self, free: int, now: float) -> int:
        """What is to be free of a slice that is not in use: what a minute may need, unless so
        little is left that others could miss it."""
        share = (self.left + free) // SHARE
        if now - self.used_at > KEPT_SECONDS or share < self.usual:
            return 0
        return min(share, self.usual + self.usual // 4 + int(self.pace * AHEAD_SECONDS))

    def _measure(self, now: float) -> None:
        """How fast it is used, and how much at once: of late."""
        since = now - self.ordered_at
        pace = max(0, self.spent) / max(since, PACE_SECONDS)
        self.pace = max(pace, self.pace * 0.5 ** (since / FADE_SECONDS))
        if since > REFRESH_SECONDS:
            self.peak = self.held

    def _ahead(self, wanted: int) -> int:
        """What is to be free beyond the requests that wait."""
        if self.ordered_at == float("-inf"):
            return wanted * self.first
        peak = max(self.peak, self.held + wanted)
        return peak + peak // 4 - self.held - wanted + int(self.pace * AHEAD_SECONDS)

    def answered(self, order: LeaseOrder, answer: Leased, now: float) -> None:
        self.tried.clear()
        self.spent -= order.spent
        self.lease, self.left = answer.lease, answer.left
        if answer.lost:
            self.generation += 1
            self.held = self.amount = self.spent = 0
            return
        self.amount = answer.amount
        self.goal = self.free(now)


@dataclass(frozen=True, slots=True)
class SliceTerms:
    """How large a slice is to be: at least `floor`, of which `held` is for requests under way; room
    for those that wait, in their order, as far as there is some; and `extra`."""

    held: int
    floor: int
    wanted: tuple[int, ...]
    extra: int

    @property
    def size(self) -> Callable[[int], int]:
        return partial(sized, self)


def sized(order: SliceTerms, room: int) -> int:
    """What the slice is to hold where it may hold `room`. Pure."""
    total, extra = order.held, min(order.extra, max(0, room - order.held) // SHARE)
    for amount in order.wanted:
        if total + amount <= room:
            total += amount
        else:
            extra = 0
    return max(order.floor, total + min(extra, max(0, room - total) // SHARE))
