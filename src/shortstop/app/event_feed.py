"""What other machines have learned, as one process hears it: every event once, in one order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from shortstop.errors import StoreError
from shortstop.ports.replicas import EventStore
from shortstop.types.replicas import StoredEvent
from shortstop.workers.exchange import Learn, NewsExchange

BATCH = 500
SLICE = 20
"""Events that are learned before requests have their turn again."""
AWAY_SECONDS = 60.0
"""After so long without the store, events may have been deleted meanwhile."""


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
        """At the start: everything behind the cursor. Raises StoreError."""
        while events := self._store.after(self.cursor, BATCH):
            for event in events:
                self._take(event, learn)
        self._heard_at = self._monotonic()

    def missed(self) -> bool:
        """Whether events that were not heard may be deleted by now. Raises StoreError."""
        if self.behind_s < AWAY_SECONDS:
            return False
        return any(self.cursor < one.upto for one in self._store.snapshots()[1:])

    async def hear(self, learn: Learn) -> None:
        """Everything that is new. An outage ends it; the rest comes with the next call."""
        while True:
            try:
                events = await asyncio.to_thread(self._store.after, self.cursor, BATCH)
            except StoreError:
                return
            for start in range(0, len(events), SLICE):
                for event in events[start : start + SLICE]:
                    self._take(event, learn)
                await asyncio.sleep(0)
            if len(events) < BATCH:
                self._heard_at = self._monotonic()
                return

    def _take(self, stored: StoredEvent, learn: Learn) -> None:
        """Whatever becomes of it: an event that cannot be learned is not tried for ever."""
        self.cursor = stored.id
        event = self._exchange.opened(stored.event)
        if event is not None:
            learn(event)
