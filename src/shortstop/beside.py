"""Calls that may take their time, beside the event loop.

A store on another machine can be slow, or not answer at all. What a request asks it for is asked in
a thread; the request waits for a moment, then goes on without. A few in a row that waited in vain
have found out for the others: until the store answers in time again, they go on without at once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from shortstop.errors import StoreError, StoreUnavailable
from shortstop.faults import contained

log = logging.getLogger("shortstop")

T = TypeVar("T")
PATIENCE_SECONDS = 0.25
"""So long a request waits for what it can go on without."""
NEEDED_SECONDS = 5.0
"""And for what it cannot: longer than a store's own limit for a call."""
PROBE_SECONDS = 0.25
"""Between tries while the store is slow."""
STEADY = 3
"""So many tries in a row must be in time before requests rely on the store again."""
QUIET_SECONDS = 30.0
"""And so long it must stay so before the log says that it is over: a store on the verge would be
told of every second."""
MOST_VAIN = 3
"""So many in a row wait in vain before nobody does: one call may be late on a busy machine."""
THREADS = 2
MOST = 1_000
"""Calls that nobody waits for, under way at a time."""


class Calls(Protocol):
    """How a store is called for a request."""

    beside: bool
    """Whether calls leave the event loop to others."""

    async def run(self, work: Callable[[], T]) -> T:
        """Its result, if it is to be had at once. Raises StoreError, what `work` raises too."""

    async def need(self, work: Callable[[], T]) -> T:
        """Its result, however long a call may take. Raises StoreError, what `work` raises too."""

    def later(self, place: str, work: Callable[[], object]) -> Awaitable[None]:
        """Begun now. Whoever awaits what this returns waits as `run` does. Its failure is logged
        under `place`."""

    def close(self) -> None: ...


class OnTheLoop:
    """Implements Calls for a store that is as near as memory."""

    beside = False

    async def run(self, work: Callable[[], T]) -> T:
        return work()

    async def need(self, work: Callable[[], T]) -> T:
        return work()

    def later(self, place: str, work: Callable[[], object]) -> Awaitable[None]:
        _told(place, work)
        return _Awaited(None, 0.0)

    def close(self) -> None:
        pass


class BesideTheLoop:
    """Implements Calls by a few threads. `probe` asks the store something small."""

    beside = True

    def __init__(
        self,
        probe: Callable[[], object],
        *,
        patience_s: float = PATIENCE_SECONDS,
        pause_s: float = PROBE_SECONDS,
        quiet_s: float = QUIET_SECONDS,
    ) -> None:
        self._probe, self._patience_s = probe, patience_s
        self._pause_s, self._quiet_s = pause_s, quiet_s
        self._threads = ThreadPoolExecutor(THREADS, "shortstop-store")
        self._slow, self._vain, self._spells = False, 0, 0
        self._lock = threading.Lock()
        self._under_way = 0
        self._closed, self._relapsed = threading.Event(), threading.Event()

    async def run(self, work: Callable[[], T]) -> T:
        if self._slow:
            raise _slow()
        call = self._threads.submit(work)
        if not await _over(call, self._patience_s):
            call.cancel()
            self._in_vain()
            raise _slow()
        self._vain = 0
        return call.result()

    async def need(self, work: Callable[[], T]) -> T:
        call = self._threads.submit(work)
        if not await _over(call, NEEDED_SECONDS):
            call.cancel()
            raise _slow()
        return call.result()

    def later(self, place: str, work: Callable[[], object]) -> Awaitable[None]:
        if self._slow or self._under_way >= MOST:
            log.debug("%s is left out: the store is slow", place)
            return _Awaited(None, 0.0)
        with self._lock:
            self._under_way += 1
        call = self._threads.submit(_told, place, work)
        call.add_done_callback(self._came_back)
        return _Awaited(call, self._patience_s, self._in_vain)

    def _came_back(self, call: Future[None]) -> None:
        with self._lock:
            self._under_way -= 1

    def _in_vain(self) -> None:
        with self._lock:
            self._vain += 1
            if self._vain < MOST_VAIN or self._slow or self._closed.is_set():
                return
            self._slow = True
            self._spells += 1
            self._relapsed.set()
            if self._spells > 1:
                return
        log.warning("the shared store is slow: requests go on without it until it is not")
        threading.Thread(target=self._until_over, name="shortstop-probe", daemon=True).start()

    def _until_over(self) -> None:
        """Until it has been in time for long enough to say so."""
        began = time.monotonic()
        while True:
            spells, took = self._until_fast(), time.monotonic() - began
            self._relapsed.wait(self._quiet_s)
            if self._closed.is_set():
                return
            with self._lock:
                if spells == self._spells:
                    self._spells = 0
                    break
        log.warning(
            "the shared store answers in time again: it was slow %d times in %.0f s", spells, took
        )

    def _until_fast(self) -> int:
        """How often it has been slow by then, in the same trouble."""
        steady = 0
        while steady < STEADY and not self._closed.wait(self._pause_s):
            steady = steady + 1 if self._in_time() else 0
        with self._lock:
            self._slow, self._vain = False, 0
            if not self._closed.is_set():
                self._relapsed.clear()
            return self._spells

    def _in_time(self) -> bool:
        began = time.monotonic()
        try:
            self._probe()
        except StoreError:
            return False
        return time.monotonic() - began < self._patience_s / 2

    def close(self) -> None:
        """What is under way ends by itself."""
        self._closed.set()
        self._relapsed.set()
        self._threads.shutdown()


ON_THE_LOOP = OnTheLoop()


class JointCall:
    """One call at a time for all who want the same done. Once one was late, nobody waits for the
    next ones until one is in time."""

    def __init__(
        self, calls: Calls, work: Callable[[], object], *, patience_s: float = PATIENCE_SECONDS
    ) -> None:
        self._calls, self._work, self._patience_s = calls, work, patience_s
        self._call: asyncio.Task[None] | None = None
        self._began, self._late = 0.0, False

    def begin(self) -> None:
        """Unless it is under way."""
        if self._call is None or self._call.done():
            self._began = asyncio.get_running_loop().time()
            self._call = asyncio.create_task(self._made())

    async def over(self) -> None:
        """Return when what was begun is over, has failed, or has had its time."""
        left = self._began + self._patience_s - asyncio.get_running_loop().time()
        if self._call is not None and not self._late and left > 0:
            await asyncio.wait({self._call}, timeout=left)

    async def _made(self) -> None:
        with suppress(StoreError):
            await self._calls.need(self._work)
        self._late = asyncio.get_running_loop().time() - self._began > self._patience_s


class _Awaited:
    """What nobody has to wait for, and who does not does no harm."""

    def __init__(
        self, call: Future[None] | None, seconds: float, vain: Callable[[], None] = lambda: None
    ) -> None:
        self._call, self._seconds, self._vain = call, seconds, vain

    def __await__(self) -> Generator[object, None, None]:
        return self._over().__await__()

    async def _over(self) -> None:
        if self._call is not None and not await _over(self._call, self._seconds):
            self._vain()


async def _over(call: Future[T], seconds: float) -> bool:
    """Whether it is over by then: also where the loop itself was late to look."""
    if not call.done():
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def tell(_: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(partial(_settle, over))

        call.add_done_callback(tell)
        await asyncio.wait({over}, timeout=seconds)
    return call.done()


def _settle(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def _told(place: str, work: Callable[[], object]) -> None:
    with contained(place):
        work()


def _slow() -> StoreUnavailable:
    return StoreUnavailable(
        "The shared store does not answer in time.",
        hint="Ask again in a moment; look for what keeps the store busy.",
        code="store_slow",
        retry_after=1.0,
    )
