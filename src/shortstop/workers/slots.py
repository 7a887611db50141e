"""The slots of one engine, shared by all workers: a small file in memory under a lock.

Holders first, then how many wait in each worker; whole numbers of eight bytes. A worker that
dies leaves its number standing, and the supervisor wipes it.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from shortstop.serving.engines.backend import full

PAUSE = 0.002
"""Seconds between two looks of the first who waits in a worker."""
MOST_WORKERS = 256


def file_of(folder: Path, engine: str, slots: int) -> Path:
    return folder / f"slots-{slots}-{engine}"


def wipe(folder: Path, worker: int) -> None:
    """Free everything that a dead worker held."""
    for path in folder.glob("slots-*"):
        board = SharedSlotTable(path, int(path.name.split("-")[1]))
        board.wipe(worker)
        board.close()


class SharedSlotTable:
    """The file. `worker` is from 0; entries hold worker + 1, 0 means free."""

    def __init__(self, path: Path, slots: int) -> None:
        self.slots = slots
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = 8 * (slots + MOST_WORKERS)
        if os.fstat(self._fd).st_size < size:
            os.ftruncate(self._fd, size)
        self._map = mmap.mmap(self._fd, size)
        self._cells = memoryview(self._map).cast("q")

    def claim(self, worker: int) -> int | None:
        """The number of a free slot, now taken."""
        with self._locked():
            for i in range(self.slots):
                if self._cells[i] == 0:
                    self._cells[i] = worker + 1
                    return i
        return None

    def release(self, slot: int) -> None:
        self._cells[slot] = 0

    def wait(self, worker: int, queue: int) -> bool:
        """Count one more who waits. False when the queue is full."""
        with self._locked():
            if self.waiting >= queue:
                return False
            self._cells[self.slots + worker] += 1
        return True

    def leave(self, worker: int) -> None:
        with self._locked():
            self._cells[self.slots + worker] -= 1

    def wipe(self, worker: int) -> None:
        """The worker is dead: what it held is free."""
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
    """Like `Slots`, for one worker of several: first come, first served within each of them."""

    def __init__(self, board: SharedSlotTable, worker: int, queue: int) -> None:
        self._board = board
        self._worker = worker
        self.slots = board.slots
        self.queue = queue
        self._turn = asyncio.Lock()

    @property
    def running(self) -> int:
        return self._board.running

    @property
    def waiting(self) -> int:
        return self._board.waiting

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold a slot. Raises EngineBusy at once when the queue is full."""
        slot = None if self._turn.locked() else self._board.claim(self._worker)
        if slot is None:
            slot = await self._wait()
        try:
            yield
        finally:
            self._board.release(slot)

    async def _wait(self) -> int:
        if not self._board.wait(self._worker, self.queue):
            raise full(self.running, self.waiting)
        try:
            async with self._turn:
                # No event crosses processes cheaply; only one request of each worker looks.
                while (slot := self._board.claim(self._worker)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(PAUSE)
                return slot
        finally:
            self._board.leave(self._worker)
