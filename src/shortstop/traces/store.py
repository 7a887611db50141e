"""Where traces are kept: a journal that outlives the process, and a database to query.

The guarantee. When `append(trace)` returns and `health().durable` holds, the row has been handed
to the operating system by one write(2), and no death of this process (kill -9 included) loses
it: the next store that opens the same path reads it back. The pipeline appends before the
answer's last byte is handed to the socket, so a delivered answer always has its row. A stream
that began (`open`) and whose process died has a row with outcome "interrupted". What `grade` is
given lasts in the same way. A power cut or a crash of the operating system may lose the last
seconds, unless `traces.fsync` is set.

The rule for bad times. Serving never waits for the store and never fails because of it:
  - database locked, full or read-only: rows stay in the journal and are written when it heals;
    state "degraded", nothing is lost;
  - journal unwritable (a full disk): rows wait in memory and go to the database directly;
    state "degraded", a crash would lose those that wait;
  - both, until the bounded queue is full: the oldest rows that exist only in memory are dropped
    and counted; state "losing".
Each change of state is logged once; recovery is automatic.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from shortstop.config import LEAST_RETENTION, TracesConfig
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.ports import Clock
from shortstop.ports.rows import RowStore
from shortstop.traces import rows
from shortstop.traces.backlog import Backlog
from shortstop.traces.content import ContentPolicy, Redact
from shortstop.traces.grades import grade_row
from shortstop.traces.health import StoreHealth
from shortstop.traces.lake import DAY, Lake
from shortstop.traces.seal import Seal
from shortstop.traces.writer import Writer
from shortstop.types import Grade, Tier, Trace

log = logging.getLogger(__name__)


class TraceStore:
    """Implements ports.Recorder and ports.Grades over a RowStore. Thread-safe; several processes
    may share a store and its `journal` folder.

    Trace ids must be unique: of two rows with one id the second is dropped and counted.

    Raises StoreError when the store is damaged or a newer Shortstop's; a store that is only out
    of reach (locked, full, read-only) does not stop the start.
    """

    def __init__(
        self,
        store: RowStore,
        journal: Path,
        config: TracesConfig,
        clock: Clock,
        redact: Redact | None = None,
        seal: Seal | None = None,
        lake: Lake | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lake = lake
        self._policy = ContentPolicy(config, redact, seal)
        self._backlog = Backlog(journal, config.fsync, config.queue, clock)
        retention = config.retention_days * DAY
        self._writer = Writer(store, self._backlog, journal, clock, retention, self._policy, lake)
        self._work = self._writer.work
        _warn(config)
        if lake is not None:
            lake.warm()
        try:
            store.open()
        except StoreUnavailable as error:
            self._backlog.fault(str(error))
        self._writer.start()

    def delete_only_if(self, leads: Callable[[], bool]) -> None:
        """Of several processes that share a store one deletes what has had its time; `leads` may
        take a while."""
        self._writer.leads = leads

    def open(self, trace: Trace) -> None:
        """Note that an answer begins to leave; if the process dies now, the row is kept."""
        trace = self._policy.keyed(trace)
        document = self._policy.seal(replace(trace, outcome="interrupted"))
        self._backlog.open(trace.id, document)

    def append(self, trace: Trace) -> None:
        """Keep the finished row. On return it survives the death of this process."""
        trace = self._policy.keyed(trace)
        row = rows.row(trace, self._policy.seal(trace))
        self._backlog.append(trace.id, row)
        if not self._work.is_set():
            self._work.set()

    def grade(self, grade: Grade) -> None:
        """Keep a judgement as long as the trace that it is about. On return it survives the death
        of this process.

        A correction follows the policy for the content of its trace. It is dropped if the trace is
        unknown: that trace may be pinned, and erasing its conversation would not reach the
        correction. While the tier is unknown, the journal holds the grade without its correction,
        which waits in memory for the writer to look. Never raises.
        """
        tier: Tier | None = Tier.S0
        if grade.correction is not None:
            tier = self._backlog.tier(grade.trace)
            if tier is None:
                tier = self._store.tier(grade.trace)
        try:
            if tier is None:
                self._backlog.append_grade(replace(grade_row(grade), provisional=True), grade)
            else:
                self._backlog.append_grade(self._policy.grade(grade, tier))
        except UnicodeEncodeError:
            log.error("traces: a grade whose names are not text is not kept")
            return
        self._work.set()

    def forget(self, tenant: str, conversation: str) -> int:
        """Take the content out of every row of a conversation, and its corrections; how many rows
        there were.

        Raises StoreError when that cannot be done now.
        """
        try:
            if not self.flush():
                raise StoreUnavailable("Rows are waiting that cannot be written.")
            count = self._store.forget(tenant, conversation, self._clock.time())
            if self._lake is not None:
                days = self._store.days(tenant, conversation)
                self._lake.erase(tenant, conversation, days, None, self._store.erasures)
            return count
        except StoreUnavailable as error:
            why = error.message.rstrip(".")
            raise StoreError(f"The content cannot be erased now: {why}.", status=503) from error

    def health(self) -> StoreHealth:
        return self._backlog.health()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the database holds every row appended so far."""
        self._writer.hurry.set()
        self._work.set()
        return self._backlog.wait_until_written(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits and stop. What cannot be written now stays in the journal."""
        if self._writer.stopped:
            return
        self._writer.stop(timeout)
        pending, memory_only = self._backlog.close()
        if pending:
            log.error(
                "traces: %d rows could not be written to the database; %d of them are lost, the "
                "journal keeps the rest for the next start",
                pending, memory_only,
            )  # fmt: skip


def _warn(config: TracesConfig) -> None:
    if config.retention_days < LEAST_RETENTION:
        log.warning(
            "traces: retention_days = %g is less than the six months for which the EU AI Act "
            "(articles 19 and 26) wants logs of high-risk systems kept",
            config.retention_days,
        )
