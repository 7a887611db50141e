"""A worker's place among its siblings: their engines, their slots, what they publish."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from shortstop.errors import StoreError
from shortstop.ports import Locker
from shortstop.workers import news
from shortstop.workers.addresses import SupervisedEngine
from shortstop.workers.bus import Bus
from shortstop.workers.news import News
from shortstop.workers.slots import SharedSlots, SharedSlotTable, file_of

log = logging.getLogger("shortstop")

ABOUT = "news of workers"


class WorkerContext:
    """`index` numbers the worker from 0; `folder` is shared by all workers of the machine.

    With a `seal` what they tell each other is encrypted: it holds features of prompts.
    """

    def __init__(self, folder: Path, index: int, seal: Locker | None = None) -> None:
        self.folder = folder
        self.index = index
        self._seal = seal
        self._bus = Bus(folder, index)
        self._learn: Callable[[News], None] = lambda news: None

    @property
    def leader(self) -> bool:
        """Whether this worker saves what all have learned."""
        return self.index == 0

    def engine(self, name: str) -> SupervisedEngine:
        """The supervisor's engine of that name. Raises EngineDown when there is none."""
        return SupervisedEngine(self.folder, name)

    def slots(
        self, name: str, slots: int, queue: int, wait_s: float, *, alone: bool
    ) -> SharedSlots:
        """The slots of an engine, shared with the other workers."""
        table = SharedSlotTable(file_of(self.folder, name, slots), slots)
        return SharedSlots(table, self.index, queue, wait_s, alone=alone)

    def listen(self, learn: Callable[[News], None]) -> None:
        """Pass what the others publish to `learn` from now on, and what was published so far, by
        this worker's predecessor too, at once."""
        self._learn = learn
        self._hear(self._bus.past())

    def publish(self, item: News) -> None:
        """Let the others know. No answer fails because they could not be told: that is logged."""
        try:
            message = news.encode(item)
            self._bus.publish(self._seal.lock(message, ABOUT) if self._seal else message)
        except OSError as error:
            log.error("the other workers could not be informed: %s", error)

    def catch_up(self) -> None:
        """Learn what the others have published since the last call."""
        self._hear(self._bus.news())

    def _hear(self, messages: Iterator[bytes]) -> None:
        for message in messages:
            try:
                item = news.decode(self._seal.unlock(message, ABOUT) if self._seal else message)
            except (StoreError, msgspec.DecodeError, UnicodeDecodeError) as error:
                log.error("what another worker has learned cannot be read: %s", error)
            else:
                self._learn(item)

    def close(self) -> None:
        self._bus.close()
