"""The slots of one engine, shared by all workers: a small file in memory under a lock.

The file holds one cell of eight bytes per slot, with its holder, then one per worker, with how many
of its requests wait. What a worker held when it died stays in the file until the supervisor wipes
it.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from shortstop.private_files import make_folder
from shortstop.serving.engines.backend import full

POLL_SECONDS = 0.002
"""Polling interval, in seconds, of the request at the head of a worker's queue."""
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


class SharedSlotTable:
    """The file. Workers are numbered from 0; a slot's cell holds worker + 1, 0 means free."""

    def __init__(self, path: Path, slots: int) -> None:
        self.slots = slots
        make_folder(path.parent)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = 8 * (slots + MAX_WORKERS)
        if os.fstat(self._fd).st_size < size:
            os.ftruncate(self._fd, size)
        self._map = mmap.mmap(self._fd, size)
        self._cells = memoryview(self._map).cast("q")

    def claim(self, worker: int) -> int | None:
        """The number of a free slot, which is taken by now; None when there is none."""
        with self._locked():
            for i in range(self.slots):
                if self._cells[i] == 0:
                    self._cells[i] = worker + 1
                    return i
        return None

    def release(self, slot: int) -> None:
        self._cells[slot] = 0

    def wait(self, worker: int, queue: int) -> bool:
        """Count one more waiting request. False when the queue is full."""
        with self._locked():
            if self.waiting >= queue:
                return False
            self._cells[self.slots + worker] += 1
        return True

    def leave(self, worker: int) -> None:
        """Count one waiting request less."""
        with self._locked():
            self._cells[self.slots + worker] -= 1

    def wipe(self, worker: int) -> None:
        """Free everything that a dead worker held, and forget what waited in it."""
        with self._locked():
            for i in range(self.slots):
                if self._cells[i] == worker + 1:
                    self._cells[i] = 0
            self._cells[self.slots + worker] = 0

    @property
    def running(self) -> int:
        return sum(1 for cell in self._cells[: self.slots] if cell)

    @property
    def waiting(self) -> int:
        return sum(self._cells[self.slots :])

    def close(self) -> None:
        self._cells.release()
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
    """Like `Slots`, for one of several workers: first come, first served within each of them."""

    def __init__(self, table: SharedSlotTable, worker: int, queue: int) -> None:
        self._table = table
        self._worker = worker
        self.slots = table.slots
        self.queue = queue
        self._turn = asyncio.Lock()

    @property
    def running(self) -> int:
        return self._table.running

    @property
    def waiting(self) -> int:
        return self._table.waiting

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold a slot. Raises EngineBusy at once when the queue is full."""
        slot = None if self._turn.locked() else self._table.claim(self._worker)
        if slot is None:
            slot = await self._wait()
        try:
            yield
        finally:
            self._table.release(slot)

    async def _wait(self) -> int:
        if not self._table.wait(self._worker, self.queue):
            raise full(self.running, self.waiting)
        try:
            async with self._turn:
                # No event crosses processes cheaply; only one request of each worker polls.
                while (slot := self._table.claim(self._worker)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
                return slot
        finally:
            self._table.leave(self._worker)
