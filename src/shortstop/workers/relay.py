"""From a machine's bus to the store that machines share: one relay a machine.

The bus's files are the queue: what cannot be published now stays in them, over restarts too, until
newer files take their place.
"""

from __future__ import annotations

import threading
from itertools import islice
from pathlib import Path

from shortstop.ports.replicas import EventStore
from shortstop.types.replicas import SealedEvent
from shortstop.workers.bus import Bus
from shortstop.workers.exchange import events_in

AUTHOR = 1 << 16
"""Its number on the bus: no worker's."""
BATCH = 500
"""Events of one transaction."""


class NewsRelay:
    """Thread-safe. What its predecessor has published is sent again, and changes nothing."""

    def __init__(self, folder: Path, store: EventStore) -> None:
        self._bus = Bus(folder, AUTHOR)
        self._store = store
        self._lock = threading.Lock()
        self._batch: list[SealedEvent] = []

    def publish(self) -> int:
        """Publish all that waits; how many events were new. Raises StoreError: they wait on."""
        new = 0
        with self._lock:
            while batch := self._next():
                new += self._store.publish(batch)
                self._batch = []
        return new

    def _next(self) -> list[SealedEvent]:
        if not self._batch:
            self._batch = list(islice(events_in(self._bus.news()), BATCH))
        return self._batch

    def close(self) -> None:
        self._bus.close()
