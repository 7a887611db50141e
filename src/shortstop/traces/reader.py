"""Traces and grades as they were before they were kept: opened where they are sealed."""

from __future__ import annotations

from collections.abc import Iterator

from shortstop.ports.stores import ReportReader
from shortstop.traces.document import decode
from shortstop.traces.grades import opened
from shortstop.traces.seal import Seal
from shortstop.types import Grade, Trace


class TraceReader:
    """Reads with the `seal` that the rows were written with; content that is sealed is None without
    it. Raises StoreError."""

    def __init__(self, reader: ReportReader, seal: Seal | None = None) -> None:
        self._reader = reader
        self._seal = seal

    def traces(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[Trace]:
        """Rows with since <= at < until in order of time, each once. Rows of the last 50 ms may be
        missing: `TraceStore.flush`."""
        for document in self._reader.documents(since=since, until=until, tenant=tenant):
            yield decode(document, self._seal)

    def grades(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
        trace: str | None = None,
    ) -> Iterator[Grade]:
        """Grades given at since <= at < until, in order of time; of one trace, if it is named."""
        rows = self._reader.grades(since=since, until=until, tenant=tenant, trace=trace)
        return (opened(row, self._seal) for row in rows)

    def graded(
        self,
        *,
        task: str | None = None,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
    ) -> Iterator[tuple[Trace, list[Grade]]]:
        """Traces with since <= at < until that have been graded, in order of time, each with its
        grades, oldest first. What another tenant says about a trace is not among them."""
        rows = self._reader.graded(task=task, since=since, until=until, tenant=tenant)
        for document, grades in rows:
            yield decode(document, self._seal), [opened(row, self._seal) for row in grades]
