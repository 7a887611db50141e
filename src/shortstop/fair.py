"""Turns: who goes next where requests wait, so that who asks most cannot hold up the others.

Deficit round robin with equal requests (Shreedhar and Varghese 1995) over tenants and, within one,
over keys. A queue shared by all is bounded by what is left of it (Choudhury and Hahne 1998), so
that there is always room for one who has nothing in it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple, TypeVar

from shortstop.errors import ShortstopError
from shortstop.types import Party

T = TypeVar("T")
Place = asyncio.Future[int]
"""What somebody waits for: done with the number of a place."""
Why = Literal["full", "late", "greedy"]


_Ring = dict[str, dict[str, deque[tuple[Party, Place]]]]
"""Tenant -> key -> its queue. A dict keeps its order: the first has the next turn."""


class NoPlace(NamedTuple):
    """Why somebody got no place: the gate is "full", the wait was too long ("late"), or its own
    requests are half of all that run and wait, and others have some too ("greedy")."""

    reason: Why
    running: int
    waiting: int


Refuse = Callable[[NoPlace], ShortstopError]
"""The error for somebody who got no place."""


class Holdings:
    """How much of something each party has: per tenant, and per key within it."""

    __slots__ = ("_keys", "_tenants", "total")

    def __init__(self) -> None:
        self.total = 0
        self._tenants: dict[str, int] = {}
        self._keys: dict[Party, int] = {}

    def add(self, party: Party) -> None:
        self.total += 1
        tenant = party.tenant
        self._tenants[tenant] = self._tenants.get(tenant, 0) + 1
        self._keys[party] = self._keys.get(party, 0) + 1

    def drop(self, party: Party) -> None:
        self.total -= 1
        _decrement(self._tenants, party.tenant)
        _decrement(self._keys, party)

    def of(self, party: Party) -> int:
        """What its tenant has."""
        return self._tenants.get(party.tenant, 0)

    def of_key(self, party: Party) -> int:
        return self._keys.get(party, 0)

    @property
    def idle(self) -> bool:
        """Whether nothing is held, and nothing remembered."""
        return not (self.total or self._tenants or self._keys)


class WaitingLine:
    """Those who wait. Tenants take turns, then a tenant's keys; a key's own requests stay in order.
    What clients wait for goes before what nobody waits for."""

    def __init__(self) -> None:
        self.waiting = Holdings()
        self._rings: tuple[_Ring, _Ring] = {}, {}

    def join(self, party: Party, place: Place) -> None:
        keys = self._rings[party.background].setdefault(party.tenant, {})
        keys.setdefault(party.key, deque()).append((party, place))
        self.waiting.add(party)

    def quit(self, party: Party, place: Place) -> None:
        """Leave without a turn. Nothing happens to one who has left already."""
        queue = self._rings[party.background].get(party.tenant, {}).get(party.key, deque())
        if (party, place) in queue:
            queue.remove((party, place))
            self._tidy(party)

    def first(self, held: Holdings, share: int) -> tuple[Party, Place] | None:
        """Whose turn it is, by what everybody holds: those who hold `share` or more are passed
        over unless all do. None when nobody waits."""
        ring = next((ring for ring in self._rings if ring), None)
        if ring is None:
            return None
        tenant = _turn(ring, lambda name: held.of(Party(name)) < share)
        keys = ring[tenant]
        key = _turn(keys, lambda name: held.of_key(keys[name][0][0]) < share)
        return keys[key][0]

    def ahead(self, party: Party) -> int:
        """How many clients that wait have their turn before one more of this party would."""
        waiting = {name: sum(map(len, keys.values())) for name, keys in self._rings[False].items()}
        own = waiting.pop(party.tenant, 0)
        return own + sum(min(count, own + 1) for count in waiting.values())

    @property
    def clients(self) -> int:
        """How many wait for whom a client waits."""
        return sum(len(queue) for keys in self._rings[False].values() for queue in keys.values())

    def take(self, party: Party) -> None:
        """The head of the party's queue has had its turn: it leaves, and the next one's comes."""
        ring = self._rings[party.background]
        keys = ring[party.tenant]
        keys[party.key].popleft()
        keys[party.key] = keys.pop(party.key)
        ring[party.tenant] = ring.pop(party.tenant)
        self._tidy(party)

    def _tidy(self, party: Party) -> None:
        self.waiting.drop(party)
        ring = self._rings[party.background]
        keys = ring[party.tenant]
        if not keys[party.key]:
            del keys[party.key]
        if not keys:
            del ring[party.tenant]


def _turn(ring: Mapping[str, object], within_share: Callable[[str], bool]) -> str:
    return next((name for name in ring if within_share(name)), next(iter(ring)))


def _decrement(numbers: dict[T, int], key: T) -> None:
    left = numbers[key] - 1
    if left:
        numbers[key] = left
    else:
        del numbers[key]


def may_queue(limit: int, waiting: int, own: int) -> bool:
    """Whether one more may join a queue of `limit` in which `waiting` wait, `own` of them its own.

    Alone a party may fill it. While others wait it has half of it, and beyond the limit there is
    half as much again for those who have less than what is left of that.
    """
    within = waiting < limit and (own == waiting or own < max(1, limit // 2))
    return within or own < limit + limit // 2 - waiting


class FairGate:
    """`places` at a time; further ones wait, `queue` of them, at most `wait_s` seconds.

    A party alone may have every place. While others ask it has half of them, and a place that comes
    free goes by turns to those who have less. Others ask who have or wait for a place, or had one
    within `linger_s` seconds: whoever asks one thing after the other is not shut out each time by
    somebody's long ones. Where places are a limit and no machine there may be `spare` ones beyond:
    for a party that has less than half, and less than what is left of them, so that nobody waits
    for what others hold without end. All of these numbers may be changed at any time.
    """

    def __init__(
        self,
        places: int,
        queue: int,
        wait_s: float,
        refuse: Refuse,
        *,
        linger_s: float = 0.0,
        spare: int = 0,
    ) -> None:
        self.places = places
        self.queue = queue
        self.wait_s = wait_s
        self._refuse = refuse
        self.spare = spare
        self.held = Holdings()
        self._line = WaitingLine()
        self._linger_s = linger_s
        self._left: dict[str, float] = {}
        """When a tenant gave its last place back; the longest ago first."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> int:
        return self.held.total

    @property
    def waiting(self) -> int:
        return self._line.waiting.total

    def try_enter(self, party: Party) -> bool:
        """Take a place if there is one now."""
        if not self._room(party):
            return False
        self.held.add(party)
        return True

    async def enter(self, party: Party) -> None:
        """Take a place, in turn. Raises what `refuse` makes of a full queue or too long a wait."""
        if not self.try_enter(party):
            await self._wait(party)

    def leave(self, party: Party) -> None:
        """Give a place back: whose turn it is has it at once."""
        if self._linger_s and not party.background:
            self._left.pop(party.tenant, None)
            self._left[party.tenant] = asyncio.get_running_loop().time()
        if not self._line.waiting.total:
            self.held.drop(party)
            return
        # Chosen while this place still counts: who gives it back is not the first for it.
        first = self._first()
        self.held.drop(party)
        self._admit(first)

    @asynccontextmanager
    async def take(self, party: Party) -> AsyncIterator[None]:
        """Hold a place for the block. Raises as `enter` does."""
        await self.enter(party)
        try:
            yield
        finally:
            self.leave(party)

    def _room(self, party: Party) -> bool:
        running = self.held.total
        if running < self.places:
            if not self._linger_s:
                return True
            return self.held.of(party) < self._share or not self._others(party)
        return self.held.of(party) < min(self._share, self.places + self.spare - running)

    @property
    def _share(self) -> int:
        return max(1, self.places // 2)

    def _others(self, party: Party) -> bool:
        """Whether anybody else asks, or did a moment ago."""
        self._forget()
        if len(self._left) > (party.tenant in self._left):
            return True
        return self.held.total > self.held.of(party)

    def _forget(self) -> None:
        since = asyncio.get_running_loop().time() - self._linger_s
        while self._left and next(iter(self._left.values())) <= since:
            del self._left[next(iter(self._left))]

    async def _wait(self, party: Party) -> None:
        own = self._line.waiting.of(party)
        if not may_queue(self.queue, self.waiting, own):
            raise self._refused("full", party)
        place = asyncio.get_running_loop().create_future()
        self._line.join(party, place)
        self._wake_later()
        try:
            async with asyncio.timeout(self._wait_s(party)):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self.leave(party)
            else:
                self._line.quit(party, place)
                self._admit(self._first())
            if isinstance(error, TimeoutError):
                raise self._refused("late", party) from None
            raise

    def _wait_s(self, party: Party) -> float:
        return self.wait_s

    def _first(self) -> tuple[Party, Place] | None:
        return self._line.first(self.held, self._share)

    def _admit(self, first: tuple[Party, Place] | None) -> None:
        while first is not None and self._room(first[0]):
            party, place = first
            self._line.take(party)
            if not place.cancelled():
                self.held.add(party)
                place.set_result(self.running)
            first = self._first()
        self._wake_later()

    def _wake_later(self) -> None:
        """Look again when somebody who had a place lately counts no more."""
        if self._left and self.waiting and self.running < self.places and self._timer is None:
            at = next(iter(self._left.values())) + self._linger_s
            self._timer = asyncio.get_running_loop().call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._admit(self._first())

    def _refused(self, why: Why, party: Party) -> ShortstopError:
        own = self.held.of(party) + self._line.waiting.of(party)
        everybody = self.running + self.waiting
        greedy = everybody > own >= everybody / 2
        return self._refuse(NoPlace("greedy" if greedy else why, self.running, self.waiting))


class Pace:
    """Spreads the beginning of work over turns of the event loop: `burst` in each, by turns.

    A flood of requests that are refused a moment later would else be worked off in one stretch,
    while everybody else waits for the loop.
    """

    def __init__(self, burst: int) -> None:
        self._burst = burst
        self._begun = 0
        self._line = WaitingLine()

    @property
    def waiting(self) -> int:
        return self._line.waiting.total

    def try_begin(self) -> bool:
        """Whether one may begin in this turn; it is counted."""
        if self._begun >= self._burst or self._line.waiting.total:
            return False
        self._count()
        return True

    async def begin(self, party: Party) -> None:
        """Wait for a turn."""
        if self.try_begin():
            return
        place = asyncio.get_running_loop().create_future()
        self._line.join(party, place)
        try:
            await place
        except BaseException:
            self._line.quit(party, place)
            raise

    def _count(self) -> None:
        if not self._begun:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._begun += 1

    def _next_turn(self) -> None:
        self._begun = 0
        while self._begun < self._burst and (first := self._line.first(NOTHING, 1)) is not None:
            party, place = first
            self._line.take(party)
            if not place.cancelled():
                self._count()
                place.set_result(self._begun)


NOTHING = Holdings()
"""What everybody holds where nothing is held."""
