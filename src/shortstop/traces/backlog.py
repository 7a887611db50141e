"""Rows and grades that the database does not hold yet: in the journal, in memory, or in both.

The street puts them in, the writer takes them out. Neither waits for the other: the queue is
bounded, and when it is full rows are left to the journal alone, or the oldest are dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shortstop.ports import Clock
from shortstop.traces.grades import encode
from shortstop.traces.health import Condition, StoreHealth
from shortstop.traces.journal import FINISHED, GRADED, OPENED, Journal, Segment
from shortstop.types import Grade, Tier
from shortstop.types.rows import COLUMNS, GradeRow, Row

QUEUE_BYTES = 64 << 20
JOURNAL_RETRY_SECONDS = 1.0
_ID, _TIER = COLUMNS.index("id"), COLUMNS.index("tier")


@dataclass(slots=True)
class Waiting:
    """A sealed row or grade of `size` bytes on its way.

    The segments hold its journal records; none: memory only. `unresolved` is the grade itself, in
    memory only, if it has a correction and the tier of its trace is not known yet.
    """

    item: Row | GradeRow
    size: int
    segment: Segment | None
    opened: Segment | None = None
    unresolved: Grade | None = None


class Backlog:
    """At most `limit` rows and grades, and 64 MiB of them, wait in memory. Thread-safe."""

    def __init__(self, folder: Path, fsync: bool, limit: int, clock: Clock) -> None:
        self._folder = folder
        self._limit = limit
        self._clock = clock
        self._journal = Journal(folder, fsync)
        self._lock = threading.Lock()
        self._empty = threading.Condition(self._lock)
        self._queue: deque[Waiting] = deque()
        self._bytes = 0
        self._batch: Sequence[Waiting] = ()
        self._opened: dict[str, Segment] = {}
        self._spilled: list[Segment] = []
        self._condition = Condition()
        self._journal_retry = 0.0

    # ------------------------------------------------------------ the street's side

    def open(self, id: str, document: bytes) -> None:
        """Journal a row that may never be finished."""
        with self._lock:
            segment = self._journalled(OPENED, document)
            if segment is not None:
                self._opened[id] = segment

    def append(self, id: str, row: Row) -> None:
        """On return the row is in the journal, if that can be written."""
        document = row.document
        with self._lock:
            segment = self._journalled(FINISHED, document)
            opened = self._opened.pop(id, None)
            self._enqueue(Waiting(row, len(document), segment, opened))

    def append_grade(self, row: GradeRow, unresolved: Grade | None = None) -> None:
        """On return the row is in the journal, if that can be written.

        Raises UnicodeEncodeError where it cannot be written as JSON.
        """
        payload = encode(row)
        size = len(payload)
        if unresolved is not None and unresolved.correction is not None:
            size += len(unresolved.correction)
        with self._lock:
            segment = self._journalled(GRADED, payload)
            self._enqueue(Waiting(row, size, segment, unresolved=unresolved))

    def tier(self, id: str) -> Tier | None:
        """The tier of a row that waits in memory."""
        with self._lock:
            for waiting in (*self._batch, *self._queue):
                item = waiting.item
                if isinstance(item, Row) and item.columns[_ID] == id:
                    return Tier(item.columns[_TIER])
        return None

    def _enqueue(self, waiting: Waiting) -> None:
        self._queue.append(waiting)
        self._bytes += waiting.size
        if len(self._queue) > self._limit or self._bytes > QUEUE_BYTES:
            self._make_room()

    def _journalled(self, kind: int, payload: bytes) -> Segment | None:
        condition = self._condition
        if condition.journal_fault and self._clock.monotonic() < self._journal_retry:
            return None
        try:
            segment = self._journal.write(kind, payload)
        except OSError as error:
            condition.journal_fault = f"journal {self._folder}: {error.strerror or error}"
            self._journal_retry = self._clock.monotonic() + JOURNAL_RETRY_SECONDS
            condition.report()
            return None
        if condition.journal_fault:
            condition.journal_fault = ""
            condition.report()
        return segment

    def _make_room(self) -> None:
        """The queue is full: leave journalled rows to their files, else drop the oldest."""
        oldest = next((one.segment for one in self._queue if one.segment is not None), None)
        if oldest is not None:
            self._spill(oldest)
            return
        dropped = self._queue.popleft()
        self._bytes -= dropped.size
        if dropped.opened is not None:
            self._journal.release(dropped.opened)
        self._condition.dropped += 1
        self._condition.losing = True
        self._condition.report()

    def _spill(self, segment: Segment) -> None:
        """Corrections that still wait for the tier of their trace are lost: no segment has them."""
        kept: deque[Waiting] = deque()
        for waiting in self._queue:
            if waiting.segment is not segment:
                kept.append(waiting)
                continue
            self._bytes -= waiting.size
            segment.spilled += 1
            if waiting.opened is not None:
                self._journal.release(waiting.opened)
        self._queue = kept
        if segment not in self._spilled:  # rows that the writer put back may follow the others
            self._spilled.append(segment)

    # ------------------------------------------------------------ the writer's side

    def take(self, most: int) -> list[Waiting]:
        """The oldest in memory, at most `most`; `written` or `put_back` follows."""
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
            self._batch = batch
        return batch

    def plenty(self, most: int) -> bool:
        """Whether there is enough to write at once: `most`, or a quarter of what may wait."""
        waiting, size = len(self._queue), self._bytes
        return waiting >= min(most, max(1, self._limit // 4)) or size >= QUEUE_BYTES // 4

    def put_back(self, batch: Sequence[Waiting]) -> None:
        """The database did not take them now."""
        with self._lock:
            self._queue.extendleft(reversed(batch))
            self._batch = ()

    def written(self, batch: Sequence[Waiting], refused: int) -> None:
        """The database holds them, but for `refused` of them that nothing can hold."""
        with self._empty:
            self._batch = ()
            self._condition.dropped += refused
            for waiting in batch:
                self._bytes -= waiting.size
                for segment in (waiting.segment, waiting.opened):
                    if segment is not None:
                        self._journal.release(segment)
            self._empty.notify_all()

    def spilled(self) -> Segment | None:
        """The oldest segment with records that left memory; `spilled_written` follows."""
        with self._lock:
            return self._spilled[0] if self._spilled else None

    def spilled_paths(self) -> list[Path]:
        """The files of all such segments."""
        with self._lock:
            return [segment.path for segment in self._spilled]

    def spilled_written(self, segment: Segment) -> None:
        with self._empty:
            self._spilled.remove(segment)
            count, segment.spilled = segment.spilled, 0
            self._journal.release(segment, count)
            self._empty.notify_all()

    def fault(self, text: str) -> bool:
        """The database cannot be written. Whether this is news."""
        with self._lock:
            before, self._condition.database_fault = self._condition.database_fault, text
            self._condition.report()
            return text != before

    def healed(self) -> None:
        """Everything has been written."""
        with self._lock:
            if self._condition.database_fault or self._condition.losing:
                self._condition.database_fault, self._condition.losing = "", False
                self._condition.report()

    # ------------------------------------------------------------ both sides

    def __len__(self) -> int:
        return len(self._queue)

    def health(self) -> StoreHealth:
        with self._lock:
            return self._condition.health(self._pending())

    def wait_until_written(self, timeout: float) -> bool:
        """Whether the database came to hold every row within `timeout` seconds."""
        with self._empty:
            return self._empty.wait_for(lambda: self._pending() == 0, timeout)

    def close(self) -> tuple[int, int]:
        """Leave what is not written to the journal. How many rows that is, and how many of them
        are lost because they are in memory only."""
        with self._lock:
            pending = self._pending()
            memory_only = sum(waiting.segment is None for waiting in self._queue)
            self._journal.close()
        return pending, memory_only

    def _pending(self) -> int:
        spilled = sum(segment.spilled for segment in self._spilled)
        return len(self._queue) + len(self._batch) + spilled
