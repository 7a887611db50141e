"""A worker's place among its siblings: their engines, their slots, what they publish."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from shortstop.workers import news
from shortstop.workers.addresses import SupervisedEngine
from shortstop.workers.bus import Bus
from shortstop.workers.news import News
from shortstop.workers.slots import SharedSlots, SharedSlotTable, file_of

log = logging.getLogger("shortstop")


class WorkerContext:
    """`index` numbers the worker from 0; `folder` is shared by all workers of the machine."""

    def __init__(self, folder: Path, index: int) -> None:
        self.folder = folder
        self.index = index
        self._bus = Bus(folder, index)
        self._learn: Callable[[News], None] = lambda news: None

    @property
    def leader(self) -> bool:
        """Whether this worker saves what all have learned."""
        return self.index == 0

    def engine(self, name: str) -> SupervisedEngine:
        """The supervisor's engine of that name. Raises EngineDown when there is none."""
        return SupervisedEngine(self.folder, name)

    def slots(self, name: str, slots: int, queue: int, wait_s: float) -> SharedSlots:
        """The slots of an engine, shared with the other workers."""
        table = SharedSlotTable(file_of(self.folder, name, slots), slots)
        return SharedSlots(table, self.index, queue, wait_s)

    def listen(self, learn: Callable[[News], None]) -> None:
        """Pass what the others publish to `learn` from now on, and what was published so far, by
        this worker's predecessor too, at once."""
        self._learn = learn
        for message in self._bus.past():
            learn(news.decode(message))

    def publish(self, item: News) -> None:
        """Let the others know. No answer fails because they could not be told: that is logged."""
        try:
            self._bus.publish(news.encode(item))
        except OSError as error:
            log.error("the other workers could not be informed: %s", error)

    def catch_up(self) -> None:
        """Learn what the others have published since the last call."""
        for message in self._bus.news():
            self._learn(news.decode(message))

    def close(self) -> None:
        self._bus.close()
