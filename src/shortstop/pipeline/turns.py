"""A bounded queue in which tenants take turns."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """At most `places` items wait. Of each tenant the oldest goes first, and tenants go round, so
    that one with many waits no shorter and no longer for others than one with a few."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._waiting: dict[str, deque[T]] = {}
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, tenant: str, item: T) -> T | None:
        """Queue an item. Returns the one that is given up for it where all places are taken: the
        newest of the tenant with the most waiting, which may be this one."""
        self._waiting.setdefault(tenant, deque()).append(item)
        self._some.set()
        if len(self) <= self._places:
            return None
        return self._taken(max(self._waiting, key=lambda name: len(self._waiting[name])), last=True)

    async def get(self) -> T:
        """The next item, as soon as there is one."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        tenant = next(iter(self._waiting))
        item = self._taken(tenant)
        if tenant in self._waiting:
            self._waiting[tenant] = self._waiting.pop(tenant)
        return item

    def drain(self) -> list[T]:
        """Take out all that wait."""
        items = [item for queue in self._waiting.values() for item in queue]
        self._waiting.clear()
        return items

    def _taken(self, tenant: str, *, last: bool = False) -> T:
        queue = self._waiting[tenant]
        item = queue.pop() if last else queue.popleft()
        if not queue:
            del self._waiting[tenant]
        return item
