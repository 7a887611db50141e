"""A worker's place among its siblings: their engines, their slots, what they publish."""

from __future__ import annotations

from pathlib import Path

from shortstop.ports import Locker
from shortstop.workers.addresses import SupervisedEngine
from shortstop.workers.exchange import NewsExchange
from shortstop.workers.slots import SharedSlots, SharedSlotTable, file_of


class WorkerContext(NewsExchange):
    """`index` numbers the worker from 0; `folder` is shared by all workers of the machine, and so
    is `news`, where their bus is, by default in the same folder."""

    def __init__(
        self, folder: Path, index: int, seal: Locker | None = None, news: Path | None = None
    ) -> None:
        super().__init__(news or folder, index, seal)
        self.folder = folder
        self.index = index

    @property
    def leader(self) -> bool:
        """Whether this worker does what is done once on a machine."""
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
