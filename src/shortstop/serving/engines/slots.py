"""The slots of one engine: who may have one now, and who gives his back.

Clients come first. Work that no client waits for (shadow runs, audits, judges) runs in idle slots
alone, and is interrupted when a client needs the engine: it waits for another turn then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from shortstop.errors import EngineBusy
from shortstop.fair import FairGate, NoPlace
from shortstop.serving.engines.forecast import SURELY, Forecast
from shortstop.serving.engines.prefixes import Prefixes
from shortstop.types import Party

QUEUE_SECONDS = 60.0
LINGER_SECONDS = 30.0
"""For how long after an answer its tenant finds a slot that nobody else's long answers hold."""
REST_SECONDS = 2.0
"""For how long after a client's answer nothing else begins: who asks one thing after the other
would find the engine in the middle of a batch of somebody's prompt each time (docs/lab.md)."""
PATIENCE = 10.0
"""How many times longer than a client background work waits: nobody waits for it."""


class Interrupted(Exception):
    """A client needs what this work held. Raised where a slot was held, never by a client's."""


class Queue(Protocol):
    """Admits requests to an engine's slots by turns, a bounded number of them waiting. Remembers
    of the engine what its answers took and what its requests share."""

    forecast: Forecast
    prefixes: Prefixes
    wait_s: float

    @property
    def slots(self) -> int: ...

    @property
    def running(self) -> int: ...

    @property
    def waiting(self) -> int: ...

    def ahead(self, party: Party) -> int:
        """How many requests would have had a slot before one of this party that came now, or have
        one."""

    def take(self, party: Party) -> AbstractAsyncContextManager[None]:
        """Hold a slot. Raises EngineBusy at once when the queue is full, later when it is slow, and
        Interrupted in a background party when a client needs the slot."""


def expected_wait(queue: Queue, party: Party) -> float:
    """Seconds until a request of this party that came now would have a slot; 0 where unknown."""
    return queue.forecast.wait(queue.ahead(party), queue.slots)


def require_in_time(queue: Queue, party: Party) -> None:
    """Raises EngineBusy where a slot would come too late: another model may be asked now."""
    wait = 0.0 if party.background else expected_wait(queue, party)
    if wait > SURELY * queue.wait_s:
        raise EngineBusy(
            f"The local engine would have a slot in {wait:.0f} s, and the limit is "
            f"{queue.wait_s:.0f} s.",
            hint="Retry later, or raise `queue_seconds` or `slots` of this model.",
            retry_after=wait - queue.wait_s,
        )


class Leases:
    """Slots that are held by work which may be interrupted."""

    def __init__(self) -> None:
        self._held: list[asyncio.Timeout] = []

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Raises Interrupted at whatever the block waits for, when it is told to."""
        lease = asyncio.timeout(None)
        try:
            async with lease:
                self._held.append(lease)
                try:
                    yield
                finally:
                    if lease in self._held:
                        self._held.remove(lease)
        except TimeoutError as error:
            if lease.expired():
                raise Interrupted from error
            raise

    def interrupt(self, most: int | None = None) -> None:
        """Have `most` of them, or all, given back. The latest go first: they lose least."""
        now = asyncio.get_running_loop().time()
        for _ in range(len(self._held) if most is None else min(most, len(self._held))):
            self._held.pop().reschedule(now)


class Slots(FairGate):
    """A bounded queue in front of a fixed number of slots: tenants and keys take turns.

    `alone`: background work shares the engine with no client at all, for on a few cores two answers
    at once take twice as long; else it has the slots that clients leave.
    """

    def __init__(
        self,
        slots: int,
        queue: int,
        wait_s: float = QUEUE_SECONDS,
        *,
        alone: bool = False,
        rest_s: float = REST_SECONDS,
    ) -> None:
        super().__init__(slots, queue, wait_s, no_slot, linger_s=LINGER_SECONDS)
        self.forecast = Forecast()
        self.prefixes = Prefixes()
        self._alone = alone
        self._rest_s = rest_s
        self._clients = 0
        self._rests_until = 0.0
        self._leases = Leases()

    @property
    def slots(self) -> int:
        return self.places

    def ahead(self, party: Party) -> int:
        return self._clients - self._line.clients + self._line.ahead(party)

    @asynccontextmanager
    async def take(self, party: Party) -> AsyncIterator[None]:
        if party.background:
            async with super().take(party), self._leases.hold():
                yield
            return
        self._clients += 1
        try:
            self._make_way()
            async with super().take(party):
                yield
        finally:
            self._clients -= 1
            self._rest()

    def _make_way(self) -> None:
        if self._alone:
            self._leases.interrupt()
        elif self.running >= self.places:
            self._leases.interrupt(1)

    def _rest(self) -> None:
        """A client has its answer: background work may have its turn."""
        if not self._alone:
            self._admit(self._first())
        elif not self._clients:
            loop = asyncio.get_running_loop()
            self._rests_until = loop.time() + self._rest_s
            if self.waiting:
                loop.call_at(self._rests_until, self._wake)

    def _room(self, party: Party) -> bool:
        if party.background and not self._idle():
            return False
        return super()._room(party)

    def _idle(self) -> bool:
        if not self._alone:
            return self._clients < self.places
        rested = asyncio.get_running_loop().time() >= self._rests_until
        return rested and not self._clients

    def _wait_s(self, party: Party) -> float:
        return self.wait_s * PATIENCE if party.background else self.wait_s


def no_slot(why: NoPlace) -> EngineBusy:
    """The error for a queue with no place left, or too slow."""
    state = f"{why.running} running, {why.waiting} waiting"
    if why.reason == "late":
        message = f"The local engine had no slot in time: {state}."
    elif why.reason == "greedy":
        message = f"The local engine is full, mostly with your own requests: {state}."
    else:
        message = f"The local engine is full: {state}."
    return EngineBusy(
        message,
        hint="Retry in a moment, or raise `queue`, `queue_seconds` or `slots` of this model.",
        retry_after=1.0,
    )
