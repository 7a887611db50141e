"""The privacy check of a request, in a thread where it is long: it cannot block the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import msgspec

from shortstop.faults import contained
from shortstop.ports import Guard
from shortstop.serving.models import cleared_for
from shortstop.types import Caller, Clearance, Cleared, Json, Reach, Request, Target, Tier

LONG_BYTES = 50_000
"""Bytes of JSON that are read on the event loop at most."""
READERS = 4
"""Long requests that are read at the same time."""
TIMEOUT_S = 2.05
NOT_CLEARED = Clearance(Tier.S3, Reach.LOCAL_ONLY, reasons=("not-judged",))
"""Of a request that privacy has not judged, or not yet."""

T = TypeVar("T")


class Clearing:
    """Asks `guard`. A request that is not judged within `timeout_s` seconds is pinned."""

    def __init__(self, guard: Guard, timeout_s: float = TIMEOUT_S) -> None:
        self.guard = guard
        self._timeout_s = timeout_s
        self._readers = asyncio.Semaphore(READERS)

    async def clear(self, request: Request, caller: Caller) -> Clearance:
        """The verdict. Never fails: what cannot be judged stays local."""
        with contained("privacy's verdict"):
            return await self._judged(request, caller)
        return NOT_CLEARED

    async def _judged(self, request: Request, caller: Caller) -> Clearance:
        if _size(request.body) < LONG_BYTES:
            return self.guard.clear(request, caller)
        async with self._readers:
            try:
                judge = partial(self.guard.clear, request, caller)
                return await run_in_thread(judge, self._timeout_s)
            except TimeoutError:
                return self.guard.give_up(request, caller)

    async def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        """What may be sent to the remote `target`. Raises PrivacyRefused when nothing may."""
        return await cleared_for(self.guard, request, clearance, target)


async def run_in_thread(work: Callable[[], T], timeout_s: float) -> T:
    """In a thread of its own, abandoned when it hangs. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(how: Callable[[], None]) -> None:
        if not done.done():
            how()

    def run() -> None:
        try:
            settled = partial(done.set_result, work())
        except BaseException as error:
            settled = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the loop has closed meanwhile
            loop.call_soon_threadsafe(settle, settled)

    threading.Thread(target=run, daemon=True).start()
    async with asyncio.timeout(timeout_s):
        return await done


def _size(body: Json) -> int:
    """Bytes; a body that cannot be written counts as long."""
    try:
        return len(msgspec.json.encode(body))
    except (ValueError, TypeError, RecursionError, OverflowError):
        return LONG_BYTES
