"""Where traces are kept: a journal that survives the process, a database that answers questions.

The guarantee. When `append(trace)` returns and `health().durable` holds, the row has been handed
to the operating system by one write(2), and no death of this process (kill -9 included) loses
it: the next store that opens the same path reads it back. The pipeline appends before the
answer's last byte is handed to the socket, so a delivered answer always has its row. A stream
that began (`open`) and whose process died has a row with outcome "interrupted". A power cut or
a crash of the operating system may lose the last seconds, unless `traces.fsync` is set.

The rule for bad times. Serving never waits and never fails because of the books:
  - database locked, full or read-only: rows stay in the journal and are written when it heals;
    state "degraded", nothing is lost;
  - journal unwritable (a full disk): rows wait in memory and go to the database directly;
    state "degraded", a crash would lose those that wait;
  - both, until the bounded queue is full: the oldest rows that exist only in memory are dropped
    and counted; state "losing".
Each change of state is logged once; recovery needs nobody.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from shortstop.config import LEAST_RETENTION, TracesConfig
from shortstop.errors import StoreError
from shortstop.ports import Clock
from shortstop.traces import journal, rows
from shortstop.traces.database import TraceDatabase, Unavailable
from shortstop.traces.queries import read_traces
from shortstop.traces.seal import Seal
from shortstop.types import Trace

log = logging.getLogger(__name__)

BATCH_ROWS = 200
BATCH_SECONDS = 0.05
QUEUE_BYTES = 64 << 20
RETRY_SECONDS = 1.0
SWEEP_SECONDS = 600.0

StoreState = Literal["ok", "degraded", "losing"]


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the books are. `pending` rows are not in the database yet, `dropped` never will be.

    `durable` says whether the rows appended now survive the death of the process.
    """

    state: StoreState
    detail: str
    pending: int
    dropped: int
    durable: bool


@dataclass(slots=True)
class _Waiting:
    """A sealed row on its way. The segments hold its journal records; none: memory only."""

    row: rows.Row
    segment: journal.Segment | None
    opened: journal.Segment | None

    @property
    def size(self) -> int:
        return len(self.row.blob)


class TraceStore:
    """Recorder and TraceReader over one SQLite file. Thread-safe; several processes may share it.

    Trace ids must be unique: of two rows with one id the second is dropped and counted.

    Raises StoreError when the file is not a database or a newer Shortstop's; a database that
    is only out of reach (locked, full, read-only) does not stop the start.
    """

    def __init__(
        self,
        path: Path,
        config: TracesConfig,
        clock: Clock,
        redact: rows.Redact | None = None,
        seal: Seal | None = None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._seal = seal
        self._keeper = rows.ContentPolicy(config, redact, seal)
        self._limit = config.queue
        self._retention = config.retention_days * 86_400
        self._folder = path.with_name(path.name + ".journal")
        self._journal = journal.Journal(self._folder, config.fsync)
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._writing = 0
        self._opened: dict[str, journal.Segment] = {}
        self._spilled: list[journal.Segment] = []
        self._dropped = 0
        self._journal_fault = ""
        self._journal_retry = 0.0
        self._database_fault = ""
        self._losing = False
        self._said: StoreState = "ok"
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._idle = threading.Condition(self._lock)
        self._warn(config)
        self._database = TraceDatabase(path, config.fsync)
        self._first_open()
        self._thread = threading.Thread(target=self._run, name="shortstop-traces", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------ the street's side

    def open(self, trace: Trace) -> None:
        """Note that an answer begins to leave; if the process dies now, the row is kept."""
        blob = self._keeper.seal(replace(trace, outcome="interrupted"))
        with self._lock:
            segment = self._journalled(journal.OPENED, blob)
            if segment is not None:
                self._opened[trace.id] = segment

    def append(self, trace: Trace) -> None:
        """Keep the finished row. On return it survives the death of this process."""
        blob = self._keeper.seal(trace)
        row = rows.row(trace, blob)
        with self._lock:
            segment = self._journalled(journal.FINISHED, blob)
            self._queue.append(_Waiting(row, segment, self._opened.pop(trace.id, None)))
            self._bytes += len(blob)
            if len(self._queue) > self._limit or self._bytes > QUEUE_BYTES:
                self._make_room()
        if not self._wake.is_set():
            self._wake.set()

    def _journalled(self, kind: int, blob: bytes) -> journal.Segment | None:
        if self._journal_fault and self._clock.monotonic() < self._journal_retry:
            return None
        try:
            segment = self._journal.write(kind, blob)
        except OSError as e:
            self._journal_fault = f"journal {self._folder}: {e.strerror or e}"
            self._journal_retry = self._clock.monotonic() + RETRY_SECONDS
            self._say()
            return None
        if self._journal_fault:
            self._journal_fault = ""
            self._say()
        return segment

    def _make_room(self) -> None:
        """The queue is full: leave journalled rows to their files, else drop the oldest."""
        oldest = next((row.segment for row in self._queue if row.segment is not None), None)
        if oldest is not None:
            self._spill(oldest)
            return
        dropped = self._queue.popleft()
        self._bytes -= dropped.size
        self._dropped += 1
        if dropped.opened is not None:
            self._journal.release(dropped.opened)
        self._losing = True
        self._say()

    def _spill(self, segment: journal.Segment) -> None:
        kept: deque[_Waiting] = deque()
        for waiting in self._queue:
            if waiting.segment is not segment:
                kept.append(waiting)
                continue
            self._bytes -= waiting.size
            segment.spilled += 1
            if waiting.opened is not None:
                self._journal.release(waiting.opened)
        self._queue = kept
        self._spilled.append(segment)

    # ------------------------------------------------------------ reading

    def traces(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[Trace]:
        """Rows in order of time, each once, opened where they are sealed. Rows of the last 50 ms
        may be missing: `flush`."""
        found = read_traces(self.path, since=since, until=until, tenant=tenant)
        return found if self._seal is None else map(self._seal.open, found)

    def health(self) -> StoreHealth:
        with self._lock:
            return self._health()

    def _health(self) -> StoreHealth:
        faults = [fault for fault in (self._database_fault, self._journal_fault) if fault]
        state: StoreState = "losing" if self._losing else "degraded" if faults else "ok"
        return StoreHealth(
            state=state,
            detail="; ".join(faults),
            pending=self._pending(),
            dropped=self._dropped,
            durable=not self._journal_fault,
        )

    def _pending(self) -> int:
        return len(self._queue) + self._writing + sum(s.spilled for s in self._spilled)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the database holds every row appended so far."""
        self._wake.set()
        with self._idle:
            return self._idle.wait_for(lambda: self._pending() == 0, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits and stop. What cannot be written now stays in the journal."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout)
        with self._lock:
            left = self._pending()
            memory_only = sum(waiting.segment is None for waiting in self._queue)
            self._journal.close()
        if left:
            log.error(
                "traces: %d rows could not be written to %s; %d of them are lost, the journal "
                "keeps the rest for the next start",
                left, self.path, memory_only,
            )  # fmt: skip

    def forget(self, tenant: str, conversation: str) -> int:
        """Take the content out of every row of a conversation; how many rows there were.

        Raises StoreError when that cannot be done now.
        """
        own = TraceDatabase(self.path, fsync=False)
        try:
            if not self.flush():
                raise Unavailable("rows are waiting that cannot be written")
            return own.forget(tenant, conversation)
        except Unavailable as error:
            raise StoreError(f"The content cannot be erased now: {error}.", status=503) from error
        finally:
            own.close()

    # ------------------------------------------------------------ the writer's side

    def _first_open(self) -> None:
        try:
            self._database.connect()
        except Unavailable as e:
            self._fault(str(e))

    def _run(self) -> None:
        """The writer thread: a batch whenever there is one, old rows away now and then."""
        recovered, swept = False, float("-inf")
        while not self._stop.is_set():
            try:
                if not recovered:
                    self._recover()
                    recovered = True
                self._drain()
                if self._clock.monotonic() - swept > SWEEP_SECONDS:
                    self._sweep()
                    swept = self._clock.monotonic()
                self._healed()
            except (Unavailable, StoreError) as e:
                self._fault(str(e))
                self._stop.wait(RETRY_SECONDS)
            except Exception as e:  # a writer that dies silently would lose everything after it
                if self._fault(f"{type(e).__name__}: {e}"):
                    log.exception("traces: the writer stumbled")
                self._stop.wait(RETRY_SECONDS)
            else:
                self._wait()
        try:
            self._drain()
        except Exception as e:  # the last chance; what it leaves, the journal keeps
            self._fault(f"{e}")
        self._database.close()

    def _wait(self) -> None:
        """Until there is work; then a moment longer, so that a batch comes together."""
        self._wake.wait(SWEEP_SECONDS)
        self._wake.clear()
        if not self._stop.is_set() and len(self._queue) < BATCH_ROWS:
            self._stop.wait(BATCH_SECONDS)

    def _drain(self) -> None:
        while True:
            with self._lock:
                batch = [self._queue.popleft() for _ in range(min(BATCH_ROWS, len(self._queue)))]
                self._writing = len(batch)
                spilled = self._spilled[0] if self._spilled and not batch else None
            if batch:
                self._write(batch)
            elif spilled is not None:
                self._unspill(spilled)
            else:
                return

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            refused = self._database.insert(waiting.row for waiting in batch)
        except BaseException:
            with self._lock:
                self._queue.extendleft(reversed(batch))
                self._writing = 0
            raise
        with self._idle:
            self._writing = 0
            self._dropped += refused
            for waiting in batch:
                self._bytes -= waiting.size
                for segment in (waiting.segment, waiting.opened):
                    if segment is not None:
                        self._journal.release(segment)
            self._idle.notify_all()

    def _unspill(self, segment: journal.Segment) -> None:
        """Rows that left memory for their journal's sake."""
        for group in _groups(_finished(segment.path)):
            self._database.insert(group)
        with self._idle:
            self._spilled.remove(segment)
            spilled, segment.spilled = segment.spilled, 0
            self._journal.release(segment, spilled)
            self._idle.notify_all()

    def _recover(self) -> None:
        """Replay the journals of the dead: finished rows first, then what was interrupted."""
        count = 0
        for path in journal.orphans(self._folder):
            for wanted in (_finished(path), _interrupted(path)):
                for group in _groups(wanted):
                    count += self._database.restore(group)
            path.unlink(missing_ok=True)
        if count:
            log.warning("traces: %d rows recovered from journals of a process that died", count)

    def _sweep(self) -> None:
        limit = self._clock.time() - self._retention
        while self._database.delete_before(limit, BATCH_ROWS) and not self._stop.is_set():
            self._drain()

    # ------------------------------------------------------------ saying how it is

    def _fault(self, fault: str) -> bool:
        """Whether this is news."""
        with self._lock:
            known, self._database_fault = self._database_fault, fault
            self._say()
            return fault != known

    def _healed(self) -> None:
        with self._lock:
            if self._database_fault or self._losing:
                self._database_fault, self._losing = "", False
                self._say()

    def _say(self) -> None:
        """Log a change of state, once."""
        now = self._health()
        if now.state == self._said:
            return
        self._said = now.state
        if now.state == "ok":
            log.warning("traces: books are in order again (%d rows dropped so far)", now.dropped)
        elif now.state == "losing":
            log.error("traces: rows are being lost: %s", now.detail)
        else:
            log.error("traces: degraded, serving goes on: %s", now.detail)

    def _warn(self, config: TracesConfig) -> None:
        if config.retention_days < LEAST_RETENTION:
            log.warning(
                "traces: retention_days = %g is less than the six months for which the EU AI Act "
                "(articles 19 and 26) wants logs of high-risk systems kept",
                config.retention_days,
            )


def _finished(path: Path) -> Iterator[rows.Row]:
    return _decoded(blob for kind, blob in journal.read(path) if kind == journal.FINISHED)


def _interrupted(path: Path) -> Iterator[rows.Row]:
    """Opened rows; those that finished are in the database by now and are left alone."""
    return _decoded(blob for kind, blob in journal.read(path) if kind == journal.OPENED)


def _decoded(blobs: Iterable[bytes]) -> Iterator[rows.Row]:
    for blob in blobs:
        try:
            yield rows.row(rows.unseal(blob), blob)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            log.error("traces: a journal row is unreadable and left out: %s", e)


def _groups(found: Iterable[rows.Row]) -> Iterator[list[rows.Row]]:
    group: list[rows.Row] = []
    for row in found:
        group.append(row)
        if len(group) == BATCH_ROWS:
            yield group
            group = []
    if group:
        yield group


__all__ = ["StoreError", "StoreHealth", "TraceStore"]
