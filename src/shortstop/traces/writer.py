"""The one thread that writes to the database: batches, recovery of journals, retention."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from shortstop.errors import StoreError
from shortstop.ports import Clock
from shortstop.ports.rows import RowStore
from shortstop.traces import journal, rows
from shortstop.traces.backlog import Backlog, Waiting
from shortstop.traces.content import ContentPolicy
from shortstop.traces.document import without_content
from shortstop.traces.grades import decode
from shortstop.traces.lake import DAY, Lake
from shortstop.types import Tier, Trace
from shortstop.types.rows import COLUMNS, GradeRow, Row

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.05
FILE_ROWS = 2000
"""Of a file of the lake, at most."""
GROUP_BYTES = 16 << 20
"""Of what is read from a journal, written at once."""
RETRY_SECONDS = 1.0
SWEEP_SECONDS = 600.0
EARLIER = 50
"""Rows of an earlier version that are sealed at once."""
_ID = COLUMNS.index("id")
UNREADABLE = b"{}"
"""In the place of a document that is none: what it held cannot be sealed, and may not lie open."""

Kept = TypeVar("Kept", Row, GradeRow)
_OF_ROW = tuple(COLUMNS.index(name) for name in ("tenant", "conversation", "at"))


class Writer:
    """Writes what is in the backlog, whenever something is; never gives up before `stop`.

    `folder` holds the journals, `retention` is how long rows are kept, in seconds, and `policy`
    says what of a correction is. With a `lake`, content goes there before its rows are written.
    """

    def __init__(
        self,
        store: RowStore,
        backlog: Backlog,
        folder: Path,
        clock: Clock,
        retention: float,
        policy: ContentPolicy,
        lake: Lake | None = None,
    ) -> None:
        self._store = store
        self._lake = lake
        self._backlog = backlog
        self._folder = folder
        self._clock = clock
        self._retention = retention
        self._policy = policy
        self.leads: Callable[[], bool] = lambda: True
        """Whether this process is the one that deletes rows."""
        self.work = threading.Event()
        """To be set when there is something to write."""
        self._unsure = False
        """Whether the last batch may have been written although its writing failed: a connection
        can break after the database has it."""
        self.hurry = threading.Event()
        """To be set when somebody waits for that."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shortstop-traces", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self, timeout: float) -> None:
        """Write what waits, if that can be done now, and end."""
        self._stop.set()
        self.work.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        recovered, sealed, swept = False, False, float("-inf")
        while not self._stop.is_set():
            try:
                if not recovered:
                    self._recover()
                    recovered = True
                self._drain()
                if not sealed:
                    sealed = self._seal_earlier()
                if self._clock.monotonic() - swept > SWEEP_SECONDS:
                    self._sweep()
                    swept = self._clock.monotonic()
                self._backlog.healed()
            except StoreError as error:
                self._backlog.fault(str(error))
                self._stop.wait(RETRY_SECONDS)
            except Exception as error:  # a writer that dies silently would lose everything after it
                if self._backlog.fault(f"{type(error).__name__}: {error}"):
                    log.exception("traces: the writer stumbled")
                self._stop.wait(RETRY_SECONDS)
            else:
                self._wait()
        try:
            self._drain()
        except Exception as error:  # the last chance; what it leaves, the journal keeps
            self._backlog.fault(f"{error}")
        self._store.close()

    def _wait(self) -> None:
        """Until there is work; then a moment longer, so that a batch comes together."""
        self.work.wait(SWEEP_SECONDS)
        self.work.clear()
        steps = 1 if self._lake is None else max(1, round(self._lake.gather / BATCH_SECONDS))
        for _ in range(steps):
            if self.hurry.is_set() or self._backlog.plenty(self._most):
                break
            if self._stop.wait(BATCH_SECONDS):
                break
        self.hurry.clear()

    @property
    def _most(self) -> int:
        """Rows that are written at once: a file of few would be all head."""
        return self._store.batch if self._lake is None else max(self._store.batch, FILE_ROWS)

    def _drain(self) -> None:
        while True:
            batch = self._backlog.take(self._most)
            if batch:
                self._write(batch)
            elif (segment := self._backlog.spilled()) is not None:
                self._insert_all(_finished(segment.path))
                self._insert_grades(segment.path)
                self._backlog.spilled_written(segment)
            else:
                return

    def _write(self, batch: Sequence[Waiting]) -> None:
        try:
            self._lay(batch)
            rows = [one.item for one in batch if isinstance(one.item, Row)]
            grades = [self._resolved(one) for one in batch if not isinstance(one.item, Row)]
            refused = self._insert(rows, grades)
        except BaseException:
            self._unsure = True
            self._backlog.put_back(batch)
            raise
        if self._unsure and refused:
            refused = sum(self._store.tier(row.columns[_ID]) is None for row in rows)
        self._unsure = False
        self._backlog.written(batch, refused)

    def _lay(self, batch: Sequence[Waiting]) -> None:
        """Once: what is put back has its file already."""
        if self._lake is None:
            return
        waiting = [one for one in batch if isinstance(one.item, Row)]
        laid = self._lake.lay([one.item for one in waiting if isinstance(one.item, Row)])
        for one, row in zip(waiting, laid, strict=True):
            one.item = row

    def _insert(self, rows: Sequence[Row], grades: Sequence[GradeRow] = ()) -> int:
        """Rows and grades, as `RowStore.insert`. A conversation that was erased meanwhile is taken
        out of the file that has just been written, too."""
        refused = self._store.insert(rows, grades)
        if self._lake is not None and rows:
            for (tenant, conversation), at in self._store.erased(rows).items():
                keys = [[row.columns[place] for place in _OF_ROW] for row in rows]
                days = {int(key[2] // DAY) for key in keys if key[:2] == [tenant, conversation]}
                self._lake.erase(tenant, conversation, days, at, self._store.erasures)
        return refused

    def _resolved(self, waiting: Waiting) -> GradeRow:
        """With its correction, if its trace is known by now."""
        row, grade = waiting.item, waiting.unresolved
        assert isinstance(row, GradeRow)
        if grade is None:
            return row
        tier = self._tier(grade.trace)
        if tier is None:
            return replace(row, provisional=False)
        return self._policy.grade(grade, tier)

    def _tier(self, id: str) -> Tier | None:
        """Of a trace that is in memory, in the database, or left to the journal."""
        tier = self._backlog.tier(id)
        if tier is None:
            tier = self._store.tier(id)
        if tier is None:
            left = (trace for path in self._backlog.spilled_paths() for trace in _traces(path))
            tier = next((trace.clearance.tier for trace in left if trace.id == id), None)
        return tier

    def _recover(self) -> None:
        """Replay the journals of dead processes: finished rows first, then interrupted ones."""
        count = 0
        for path in journal.orphans(self._folder):
            # Finished rows first: an opened one that finished is left alone then.
            count += self._insert_all(self._sealed(_decoded(path, journal.FINISHED)))
            count += self._insert_all(self._sealed(_decoded(path, journal.OPENED)))
            self._insert_grades(path)
            journal.retire(path)
        if count:
            log.warning("traces: %d rows recovered from journals of a process that died", count)

    def _sealed(self, found: Iterable[tuple[Trace, bytes]]) -> Iterator[Row]:
        """As rows; those of an earlier version may lie open in its journal."""
        for trace, document in found:
            closed, digest = self._closed(document)
            yield rows.row(replace(trace, digest=digest), closed)

    def _seal_earlier(self) -> bool:
        """Seal what an earlier version has written. Whether that is done."""
        if not self._policy.seals:
            return True
        done = 0
        while count := self._store.seal_earlier(self._closed, self._policy.sealed_grade, EARLIER):
            if done == 0:
                log.info("traces: sealing the content of rows from before there was a key")
            done += count
            if done % (EARLIER * 1000) == 0:
                log.info("traces: %d rows sealed so far", done)
            self._drain()
            if self._stop.is_set():
                return False
        if done:
            log.info("traces: %d rows and corrections of an earlier version are sealed", done)
        return True

    def _closed(self, document: bytes) -> tuple[bytes, str]:
        try:
            return self._policy.sealed(document)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("traces: the content of a row is unreadable, and not kept: %s", error)
            return UNREADABLE, ""

    def _insert_all(self, recovered: Iterable[Row]) -> int:
        """Those that were not there yet; how many."""
        count = 0
        for group in self._groups(recovered):
            laid = group if self._lake is None else self._lake.lay(group)
            count += len(laid) - self._insert(laid)
        return count

    def _insert_grades(self, path: Path) -> None:
        for group in self._groups(_graded(path)):
            self._store.insert((), group)

    def _groups(self, recovered: Iterable[Kept]) -> Iterator[list[Kept]]:
        """As many at once as the store takes best, and not too many bytes."""
        group: list[Kept] = []
        size = 0
        for one in recovered:
            group.append(one)
            size += len(one.document) if isinstance(one, Row) else 0
            if len(group) == self._store.batch or size > GROUP_BYTES:
                yield group
                group, size = [], 0
        if group:
            yield group

    def _sweep(self) -> None:
        limit = self._clock.time() - self._retention
        journal.sweep_damaged(self._folder, limit)
        while self.leads() and self._store.expire(limit, self._store.batch):
            if self._stop.is_set():
                break
            self._drain()
        if self._lake is not None and self.leads():
            self._lake.expire(limit)


def _finished(path: Path) -> Iterator[Row]:
    return (rows.row(trace, document) for trace, document in _decoded(path, journal.FINISHED))


def _traces(path: Path) -> Iterator[Trace]:
    return (trace for trace, _ in _decoded(path, journal.FINISHED))


def _decoded(path: Path, wanted: int) -> Iterator[tuple[Trace, bytes]]:
    for kind, document in journal.read(path):
        if kind == wanted:
            try:
                yield without_content(document), document
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                log.error("traces: a journal row is unreadable and left out: %s", error)


def _graded(path: Path) -> Iterator[GradeRow]:
    for kind, payload in journal.read(path):
        if kind == journal.GRADED:
            try:
                yield decode(payload)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                log.error("traces: a grade in a journal is unreadable and left out: %s", error)
