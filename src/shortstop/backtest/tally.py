"""What a log consists of, task by task, in bounded memory whatever its length.

Every row is counted and priced. Of each task the newest rows are kept to learn from, however the
log is ordered. Repetition is counted over all rows up to a million different texts, from there on
over a fair draw of texts. Privacy is asked about a draw of each task's rows, denser where there are
few; each stands for the rows that it was drawn from.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple

from shortstop.flywheel.examples import Example, LeftOut
from shortstop.types import Span

MOST_TASKS = 1000
OTHERS = "others"
MOST_TEXTS = 1_000_000
MOST_BYTES = 300 << 20
"""Of kept texts, over all tasks."""
JUDGED = 40
"""Rows of a task that privacy judges for certain; later ones ever more rarely."""
JUDGED_OF_ALL = 1000
"""Rows of all tasks from which on it is asked less and less: about 10 ms of processor time each."""
_OVERHEAD = 1500
"""Bytes that an example takes beside its texts."""


NOTHING = Span()


class LearnRow(NamedTuple):
    """A row to learn from, with what it cost in US dollars today."""

    example: Example
    cost: float


@dataclass(slots=True)
class TaskTally:
    """Sums over one task. `weighed` and `pinned` are rows that privacy's draw stands for."""

    task: str
    about: str = ""
    requests: int = 0
    local: int = 0
    priced: int = 0
    cost: Decimal = Decimal(0)
    cloud: dict[str, Decimal] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    joules: Span = NOTHING
    models: Counter[str] = field(default_factory=Counter)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    learnable: int = 0
    judged: int = 0
    weighed: float = 0.0
    pinned: float = 0.0
    rows: list[tuple[float, int, LearnRow]] = field(default_factory=list)
    bytes: int = 0
    sampled: bool = False

    @property
    def pinned_share(self) -> float | None:
        return self.pinned / self.weighed if self.weighed else None

    def kept(self) -> list[LearnRow]:
        """Oldest first."""
        return [row for _, _, row in sorted(self.rows, key=lambda one: one[:2])]


class Repetition:
    """How many rows ask what was asked before, by task."""

    def __init__(self, most: int = MOST_TEXTS) -> None:
        self._most = most
        self._mask = 0
        self._seen: dict[int, list[int]] = {}

    def add(self, task: int, text: str) -> None:
        key = int.from_bytes(
            blake2b(f"{task}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        )
        if key & self._mask:
            return
        found = self._seen.get(key)
        if found is not None:
            found[1] += 1
            return
        self._seen[key] = [task, 1]
        if len(self._seen) > self._most:
            self._mask = self._mask << 1 | 1
            self._seen = {k: v for k, v in self._seen.items() if not k & self._mask}

    def shares(self) -> dict[int, float]:
        rows: Counter[int] = Counter()
        texts: Counter[int] = Counter()
        for task, count in self._seen.values():
            rows[task] += count
            texts[task] += 1
        return {task: 1 - texts[task] / rows[task] for task in rows}


class LogTally:
    """Of a whole log. `most` examples are kept of a task."""

    def __init__(self, most: int, seed: int = 0) -> None:
        self.tasks: dict[str, TaskTally] = {}
        self.first: float | None = None
        self.last: float | None = None
        self.judged = 0
        self._most = most
        self._repetition = Repetition()
        self._numbers: dict[str, int] = {}
        self._random = random.Random(seed)
        self._count = 0
        self._bytes = 0

    def task(self, name: str) -> TaskTally:
        if name not in self.tasks and len(self.tasks) >= MOST_TASKS:
            name = OTHERS
        if name not in self.tasks:
            self.tasks[name] = TaskTally(name)
            self._numbers[name] = len(self._numbers)
        return self.tasks[name]

    def seen_at(self, at: float) -> None:
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)

    def asked(self, task: TaskTally, text: str) -> None:
        self._repetition.add(self._numbers[task.task], text)

    def repetition(self) -> dict[str, float]:
        """The share of a task's rows whose text had been asked before."""
        shares = self._repetition.shares()
        return {name: shares.get(number, 0.0) for name, number in self._numbers.items()}

    def draw(self, task: TaskTally) -> float:
        """How many rows privacy's verdict over the task's latest row stands for; 0: it is not asked
        about this one."""
        chance = min(1.0, JUDGED / max(task.requests, 1))
        chance *= min(1.0, JUDGED_OF_ALL / max(self.judged, 1)) ** 3
        return 1.0 / chance if self._random.random() < chance else 0.0

    def judge(self, task: TaskTally, weight: float, *, pinned: bool) -> None:
        self.judged += 1
        task.judged += 1
        task.weighed += weight
        task.pinned += weight * pinned

    def keep(self, task: TaskTally, row: LearnRow) -> None:
        """The newest of a task stay."""
        task.learnable += 1
        self._count += 1
        heapq.heappush(task.rows, (row.example.at, self._count, row))
        self._take(task, _size(row))
        while len(task.rows) > self._most:
            self._drop(task)
        while self._bytes > MOST_BYTES:
            largest = max(self.tasks.values(), key=lambda one: one.bytes)
            for _ in range(max(1, len(largest.rows) // 4)):
                self._drop(largest)

    def _take(self, task: TaskTally, size: int) -> None:
        task.bytes += size
        self._bytes += size

    def _drop(self, task: TaskTally) -> None:
        _, _, row = heapq.heappop(task.rows)
        task.sampled = True
        self._take(task, -_size(row))


def _size(row: LearnRow) -> int:
    query = row.example.query
    return _OVERHEAD + len(query.text) + len(query.before) + len(row.example.answer)
