"""A draw of a log's answered requests, the same number of each task as far as there are so many."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from shortstop.flywheel.examples import Example
from shortstop.types import Request


class DrawnRow(NamedTuple):
    """A request of the log, and what is known of the answer that it got."""

    request: Request
    example: Example


class RequestSample:
    """At most `most` rows, however long the log is. Within a task each row has the same chance."""

    def __init__(self, most: int, seed: int = 0) -> None:
        self._most = most
        self._random = random.Random(seed)
        self._kept: dict[str, list[tuple[float, int, DrawnRow]]] = {}
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, task: str, row: DrawnRow) -> None:
        """Each row draws a number, and of each task those with the lowest ones stay. The bound of
        all of them is kept by the largest task, so that small tasks stay whole."""
        self._count += 1
        heap = self._kept.setdefault(task, [])
        heapq.heappush(heap, (-self._random.random(), self._count, row))
        self._size += 1
        if self._size > self._most:
            heapq.heappop(max(self._kept.values(), key=len))
            self._size -= 1

    def turns(self) -> Iterator[tuple[str, DrawnRow]]:
        """One of each task by turns, so that whoever stops early has asked all tasks alike."""
        tasks = {name: sorted(heap, reverse=True) for name, heap in self._kept.items()}
        for turn in zip_longest(*tasks.values()):
            for name, one in zip(tasks, turn, strict=True):
                if one is not None:
                    yield name, one[2]
