"""The slots of one engine, shared by all workers: a small file in memory under a lock.

The file says for each slot who holds it, and for each worker how many of its requests wait and for
whom the first of them does: a free slot goes to the tenant that holds fewest, in whichever worker
it waits. What a worker held when it died stays in the file until the supervisor wipes it.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path

from shortstop.fair import Holdings, NoPlace, Place, WaitingLine, Why, may_queue
from shortstop.private_files import make_folder
from shortstop.serving.engines.forecast import Forecast
from shortstop.serving.engines.prefixes import Prefixes
from shortstop.serving.engines.slots import (
    LINGER_SECONDS,
    PATIENCE,
    QUEUE_SECONDS,
    REST_SECONDS,
    Leases,
    no_slot,
)
from shortstop.types import Party

POLL_SECONDS = 0.002
"""Polling interval, in seconds, of the request at the head of a worker's queue."""
WATCH_SECONDS = 0.01
"""How often background work that holds a slot looks whether a client needs it."""
FRESH_NS = 100_000_000
"""Nanoseconds after its last poll for which a worker's head is believed to wait still."""
LINGER_NS = int(LINGER_SECONDS * 1e9)
RECENT = 61
"""Tenants that are remembered after their answer; of those that share a cell, the last one."""
MAX_WORKERS = 256


def file_of(folder: Path, engine: str, slots: int) -> Path:
    """The table of an engine; another number of slots is another file."""
    return folder / f"slots-{slots}-{engine}"


def wipe(folder: Path, worker: int) -> None:
    """Free everything that a dead worker held."""
    for path in folder.glob("slots-*"):
        table = SharedSlotTable(path, int(path.name.split("-")[1]))
        table.wipe(worker)
        table.close()


def tenant_number(party: Party) -> int:
    """The tenant as a number of 62 bits, never 0; negative for work that nobody waits for."""
    digest = blake2b(party.tenant.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    number = (int.from_bytes(digest, "big") >> 2) | 1
    return -number if party.background else number


ANYBODY = tenant_number(Party())


class SharedSlotTable:
    """The file. Workers are numbered from 0; a slot's cell holds worker + 1, 0 means free.

    Columns of eight bytes a cell: of the slots, holder and tenant; of the workers, how many wait,
    and of the first of them its tenant, since when it waits and when it last looked; of the last
    tenants served, who and until when. Times are nanoseconds of the machine's monotonic clock.
    """

    def __init__(self, path: Path, slots: int) -> None:
        self.slots = slots
        make_folder(path.parent)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        lengths = [slots, slots, *[MAX_WORKERS] * 4, RECENT, RECENT, 1]
        size = 8 * sum(lengths)
        if os.fstat(self._fd).st_size < size:
            os.ftruncate(self._fd, size)
        self._map = mmap.mmap(self._fd, size)
        cells = memoryview(self._map).cast("q")
        ends = list(accumulate(lengths))
        self._columns = [cells[end - n : end] for n, end in zip(lengths, ends, strict=True)]
        self._holder, self._tenant, self._waits, self._head, self._since, self._seen = (
            self._columns[:6]
        )
        self._served, self._left, self._last = self._columns[6:]
        cells.release()

    def clients(self) -> bool:
        """Whether a client has a slot in any worker, or waits for one."""
        held = zip(self._holder, self._tenant, strict=True)
        return any(holder and tenant > 0 for holder, tenant in held) or self.client_waits()

    def client_waits(self) -> bool:
        lately = time.monotonic_ns() - FRESH_NS
        heads = zip(self._waits, self._head, self._seen, strict=True)
        return any(waits and head > 0 and seen > lately for waits, head, seen in heads)

    def rested(self, seconds: float) -> bool:
        """Whether no client has had a slot for so long."""
        since = time.monotonic_ns() - int(seconds * 1e9)
        return not self.clients() and max(self._left) < since

    def claim(self, worker: int, tenant: int = ANYBODY, since: int | None = None) -> int | None:
        """The number of a free slot, which is taken by now; None when there is none, or when
        another worker's first in line goes before. `since`: who asks is the first in its own."""
        now = time.monotonic_ns()
        with self._locked():
            slot = next((i for i in range(self.slots) if self._holder[i] == 0), None)
            if (
                slot is None
                or self._kept_for_another(tenant, now)
                or self._outranked(worker, tenant, since or now, now)
            ):
                if since is not None:
                    self._head[worker], self._since[worker] = tenant, since
                    self._seen[worker] = now
                return None
            self._holder[slot], self._tenant[slot] = worker + 1, tenant
            self._last[0] = tenant
            self._head[worker] = 0
        return slot

    def _kept_for_another(self, tenant: int, now: int) -> bool:
        """Whether the tenant has half of the slots, and another has one or had a moment ago."""
        own = self._held(tenant)
        if own < max(1, self.slots // 2):
            return False
        if own < self.running:
            return True
        lately = now - LINGER_NS
        return any(
            left > lately and other != abs(tenant)
            for other, left in zip(self._served, self._left, strict=True)
        )

    def _held(self, tenant: int) -> int:
        return sum(
            1 for i in range(self.slots) if self._holder[i] and abs(self._tenant[i]) == abs(tenant)
        )

    def _outranked(self, worker: int, tenant: int, since: int, now: int) -> bool:
        own = self._rank(tenant, since)
        return any(
            self._head[other]
            and other != worker
            and now - self._seen[other] < FRESH_NS
            and self._rank(self._head[other], self._since[other]) < own
            for other in range(MAX_WORKERS)
            if self._waits[other]
        )

    def _rank(self, tenant: int, since: int) -> tuple[bool, int, bool, int]:
        """Lower goes first: clients, then who holds fewest, was not served last, waits longest."""
        return tenant < 0, self._held(tenant), tenant == self._last[0], since

    def release(self, slot: int) -> None:
        tenant = self._tenant[slot]
        if tenant > 0:
            place = tenant % RECENT
            self._served[place], self._left[place] = tenant, time.monotonic_ns()
        self._holder[slot] = 0

    def wait(self, worker: int, queue: int, own: int = 0) -> bool:
        """Count one more waiting request of a tenant of which `own` wait in this worker. False
        when there is no room for it."""
        with self._locked():
            # In other workers more of its own may wait: half of the queue is the least it has.
            if self.waiting >= queue and not may_queue(queue, self.waiting, own):
                return False
            self._waits[worker] += 1
        return True

    def leave(self, worker: int) -> None:
        """Count one waiting request less."""
        with self._locked():
            self._waits[worker] -= 1
            if not self._waits[worker]:
                self._head[worker] = 0

    def wipe(self, worker: int) -> None:
        """Free everything that a dead worker held, and forget what waited in it."""
        with self._locked():
            for i in range(self.slots):
                if self._holder[i] == worker + 1:
                    self._holder[i] = 0
            self._waits[worker] = self._head[worker] = 0

    @property
    def running(self) -> int:
        return sum(1 for holder in self._holder if holder)

    @property
    def waiting(self) -> int:
        return sum(self._waits)

    def close(self) -> None:
        for column in self._columns:
            column.release()
        self._map.close()
        os.close(self._fd)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)


class SharedSlots:
    """Like `Slots`, for one of several workers: turns within it, and among the workers' firsts."""

    def __init__(
        self,
        table: SharedSlotTable,
        worker: int,
        queue: int,
        wait_s: float = QUEUE_SECONDS,
        *,
        alone: bool = False,
    ) -> None:
        self._table = table
        self._worker = worker
        self.queue = queue
        self.wait_s = wait_s
        self.forecast = Forecast()
        self.prefixes = Prefixes()
        self._alone = alone
        self._leases = Leases()
        self._held = Holdings()
        self._line = WaitingLine()
        self._poller: asyncio.Task[None] | None = None

    @property
    def slots(self) -> int:
        return self._table.slots

    @property
    def running(self) -> int:
        return self._table.running

    @property
    def waiting(self) -> int:
        return self._table.waiting

    def ahead(self, party: Party) -> int:
        """Those in other workers are all taken to go first."""
        own = self._line
        return self.running + self.waiting - own.waiting.total + own.ahead(party)

    @asynccontextmanager
    async def take(self, party: Party) -> AsyncIterator[None]:
        """Hold a slot. Raises EngineBusy at once when the queue is full, later when it is slow, and
        Interrupted in a background party when a client of any worker needs the slot."""
        if not party.background:
            async with self._taken(party):
                yield
            return
        async with self._taken(party), self._leases.hold():
            watch = asyncio.create_task(self._watch_clients())
            try:
                yield
            finally:
                watch.cancel()

    async def _watch_clients(self) -> None:
        while not self._needed():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(WATCH_SECONDS)
        self._leases.interrupt()

    def _needed(self) -> bool:
        if self._alone:
            return self._table.clients()
        return self._table.running >= self._table.slots and self._table.client_waits()

    @asynccontextmanager
    async def _taken(self, party: Party) -> AsyncIterator[None]:
        slot = None
        if not self._line.clients and not party.background:
            slot = self._table.claim(self._worker, tenant_number(party))
        if slot is None:
            slot = await self._wait(party)
        self._held.add(party)
        try:
            yield
        finally:
            self._held.drop(party)
            self._table.release(slot)

    async def _wait(self, party: Party) -> int:
        if not self._table.wait(self._worker, self.queue, self._line.waiting.of(party)):
            raise self._refused("full")
        place: Place = asyncio.get_running_loop().create_future()
        self._line.join(party, place)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            async with asyncio.timeout(self.wait_s * (PATIENCE if party.background else 1)):
                return await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self._table.release(place.result())
            self._line.quit(party, place)
            if isinstance(error, TimeoutError):
                raise self._refused("late") from None
            raise
        finally:
            self._table.leave(self._worker)

    async def _poll(self) -> None:
        """Claim slots for those who wait. No event crosses processes cheaply; only one task of each
        worker polls."""
        share, head, since = max(1, self.slots // 2), None, 0
        while (first := self._line.first(self._held, share)) is not None:
            if first is not head:
                head, since = first, time.monotonic_ns()
            party, place = first
            slot = None
            if not (party.background and self._alone and not self._table.rested(REST_SECONDS)):
                slot = self._table.claim(self._worker, tenant_number(party), since)
            if slot is None:
                await asyncio.sleep(WATCH_SECONDS if party.background else POLL_SECONDS)
                continue
            self._line.take(party)
            if place.done():
                self._table.release(slot)
            else:
                place.set_result(slot)
                # Whoever was given the slot counts as its holder before the next one is chosen.
                await asyncio.sleep(0)

    def _refused(self, why: Why) -> Exception:
        return no_slot(NoPlace(why, self.running, self.waiting))
