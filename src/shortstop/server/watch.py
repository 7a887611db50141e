"""Who leaves while being served."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Receive

WATCH_AFTER = 0.02
"""Seconds. A client that leaves earlier is noticed then."""


class Watch:
    """Cancels a task when its client leaves. Most answers are there before it begins to look."""

    def __init__(self, receive: Receive, task: asyncio.Task[Any]) -> None:
        self._receive = receive
        self._task = task
        self._looking: asyncio.Task[None] | None = None
        self.gone = False
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._begin)

    def stop(self) -> None:
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()

    def _begin(self) -> None:
        self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._task.cancel()
