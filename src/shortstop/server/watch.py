"""Notices a client that disconnects while its request is served, and stops the work for it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Receive

WATCH_AFTER = 0.1
"""Seconds before listening begins. A client that leaves earlier is noticed then: so much work for
nobody costs less than a task for each of many requests at once, of which none is answered sooner
than all are."""


class Watch:
    """Cancels `task` when the client disconnects; `gone` says that it has.

    Listening begins after `WATCH_AFTER`, when most requests have been answered: it costs a task.
    """

    def __init__(self, receive: Receive, task: asyncio.Task[Any]) -> None:
        self._receive = receive
        self._task = task
        self._listener: asyncio.Task[None] | None = None
        self.gone = False
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._begin)

    def stop(self) -> None:
        """Stop listening: the request has been answered."""
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()

    def _begin(self) -> None:
        self._listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._task.cancel()
