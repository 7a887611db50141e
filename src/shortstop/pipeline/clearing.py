"""Privacy's verdict without holding up others: long requests are read beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import msgspec

from shortstop.ports import Guard
from shortstop.types import Caller, Clearance, Json, Request

LONG = 50_000
"""Bytes of JSON that are read on the loop at most."""
READERS = 4
"""Long requests that are read at the same time."""
PATIENCE = 2.05
"""Seconds."""

T = TypeVar("T")


class Clearing:
    """Asks `guard`; what is not judged after `patience` seconds is given up, and so pinned."""

    def __init__(self, guard: Guard, patience: float = PATIENCE) -> None:
        self._guard = guard
        self._patience = patience
        self._readers = asyncio.Semaphore(READERS)

    async def of(self, request: Request, caller: Caller) -> Clearance:
        if _size(request.body) < LONG:
            return self._guard.clear(request, caller)
        async with self._readers:
            try:
                return await beside(partial(self._guard.clear, request, caller), self._patience)
            except TimeoutError:
                return self._guard.give_up(request, caller)


async def beside(work: Callable[[], T], seconds: float) -> T:
    """In a thread of its own, which nobody waits for when it hangs. Raises TimeoutError."""
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
    async with asyncio.timeout(seconds):
        return await done


def _size(body: Json) -> int:
    """Bytes; what cannot be written is as long as can be."""
    try:
        return len(msgspec.json.encode(body))
    except (ValueError, TypeError, RecursionError):
        return LONG
