"""What other machines have learned, as one process hears it: every event once, in one order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from shortstop.errors import StoreError
from shortstop.faults import contained
from shortstop.ports.replicas import EventStore
from shortstop.types.replicas import StoredEvent
from shortstop.workers.exchange import Learn, NewsExchange

BATCH = 500
SLICE = 20
"""Events that are learned before requests have their turn again."""


class EventFeed:
    """All events up to the id `cursor` have been learned."""

    def __init__(
        self,
        store: EventStore,
        exchange: NewsExchange,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cursor = 0
        self._store = store
        self._exchange = exchange
        self._monotonic = monotonic
        self._heard_at = monotonic()

    @property
    def behind_s(self) -> float:
        """Seconds since it had heard everything."""
        return self._monotonic() - self._heard_at

    def read_all(self, learn: Learn) -> None:
        """At the start: everything behind the cursor that there is. Raises StoreError."""
        while True:
            page = self._store.after(self.cursor, BATCH)
            for event in page.events:
                self._take(event, learn)
            if not page.events:
                break
        self.skip_to(page.deleted)
        self._heard_at = self._monotonic()

    def skip_to(self, id: int) -> None:
        """What was not heard up to there is not to be had any more."""
        self.cursor = max(self.cursor, id)

    async def hear(self, learn: Learn) -> int | None:
        """Everything that is new. An outage ends it; the rest comes with the next call.

        Where events were deleted before they were heard it learns nothing: up to which id, else
        None.
        """
        while True:
            try:
                page = await asyncio.to_thread(self._store.after, self.cursor, BATCH)
            except StoreError:
                return None
            if page.deleted > self.cursor:
                return page.deleted
            for start in range(0, len(page.events), SLICE):
                for event in page.events[start : start + SLICE]:
                    self._take(event, learn)
                await asyncio.sleep(0)
            if len(page.events) < BATCH:
                self._heard_at = self._monotonic()
                return None

    def _take(self, stored: StoredEvent, learn: Learn) -> None:
        """Whatever becomes of it: an event that cannot be learned is not tried for ever."""
        self.cursor = stored.id
        event = self._exchange.opened(stored.event)
        if event is not None:
            with contained("learning from another machine"):
                learn(event)
