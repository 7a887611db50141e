"""Comments on an idle event stream, so that no load balancer closes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from shortstop.dialects.sse import PING


class Pinger:
    """Sends a comment whenever `seconds` have passed since the last `touch` or comment.

    Sends nothing before the first `touch`: the response's head must have left by then.
    """

    def __init__(
        self, send: Callable[[bytes], Awaitable[None]], seconds: float, comment: bytes = PING
    ) -> None:
        self._send = send
        self._seconds = seconds
        self._comment = comment
        self._loop = asyncio.get_running_loop()
        self._touched: float | None = None
        self._sending: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(seconds, self._check)

    def touch(self) -> None:
        """Note that something has been sent."""
        self._touched = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        now = self._loop.time()
        idle = now - self._touched if self._touched is not None else 0.0
        if idle >= self._seconds:
            self._sending = self._loop.create_task(self._ping())
            idle = 0.0
        self._timer = self._loop.call_later(self._seconds - idle, self._check)

    async def _ping(self) -> None:
        self.touch()
        await self._send(self._comment)
