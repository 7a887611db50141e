"""Work beside the event loop: few threads, and few that wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shortstop.errors import Overloaded
from shortstop.ports.stores import Figures
from shortstop.server.gateway import Gateway

T = TypeVar("T")


class Aside:
    """`threads` read at a time: more would only take the interpreter from the street."""

    def __init__(self, gateway: Gateway, name: str, threads: int, most: int) -> None:
        self._gateway = gateway
        self._threads = ThreadPoolExecutor(threads, name)
        self._most = most
        self._waiting = 0

    async def figured(self, make: Callable[[Figures], T]) -> T:
        """`make` of the figures."""

        def made() -> T:
            with self._gateway.desk.figures() as figures:
                return make(figures)

        return await self.run(made)

    async def run(self, made: Callable[[], T]) -> T:
        """In a thread. Raises Overloaded where `most` wait already."""
        if self._waiting >= self._most:
            raise Overloaded("Too many pages are being made.", hint="Try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, made)
        finally:
            self._waiting -= 1
