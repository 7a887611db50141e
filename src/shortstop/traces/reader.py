"""Traces and grades as they were before they were kept: opened where they are sealed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from shortstop.errors import StoreError
from shortstop.ports.stores import ReportReader
from shortstop.traces.document import (
    decode,
    holds_content,
    joined,
    place_of,
    without_content,
)
from shortstop.traces.grades import opened
from shortstop.traces.lake import Lake
from shortstop.traces.seal import Seal
from shortstop.types import Grade, Trace
from shortstop.types.rows import GradeRow

log = logging.getLogger(__name__)


class TraceReader:
    """Reads with the `seal` that the rows were written with, and from the `lake` what lies there.

    Content that cannot be opened, because its key or its file is not here or because it was
    altered, is None and counted in `unopened`; `shut` are the ids of such rows, `problem` says why
    the first could not be. A damaged row is left out, and counted in `unreadable`.

    Raises StoreError.
    """

    def __init__(
        self, reader: ReportReader, seal: Seal | None = None, lake: Lake | None = None
    ) -> None:
        self._reader = reader
        self._seal = seal
        self._lake = lake
        self.unopened = 0
        self.shut: set[str] = set()
        self.problem = ""
        self.unreadable = 0

    def traces(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[Trace]:
        """Rows with since <= at < until in order of time, each once. Rows of the last 50 ms may be
        missing: `TraceStore.flush`."""
        for document in self._reader.documents(since=since, until=until, tenant=tenant):
            trace = self._trace(document)
            if trace is not None:
                yield trace

    def emptied(self, *, until: float, tenant: str | None = None) -> Iterator[Trace]:
        """Rows with at < until whose content was erased or never kept; nothing is opened."""
        for document in self._reader.documents(until=until, tenant=tenant):
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                if not holds_content(document):
                    yield without_content(document)

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
        return (self._grade(row) for row in rows)

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
            trace = self._trace(document)
            if trace is not None:
                yield trace, [self._grade(row) for row in grades]

    def one(self, document: bytes, grades: Sequence[GradeRow]) -> tuple[Trace, list[Grade]]:
        """One row and its grades. Raises StoreError where the row is damaged."""
        return self.trace(document), [self._grade(row) for row in grades]

    def trace(self, document: bytes, *, content: bool = True) -> Trace:
        """One row; without what was asked and answered unless `content`. Raises StoreError where
        it is damaged."""
        trace = self._trace(document, content=content)
        if trace is None:
            raise StoreError("The row is damaged.")
        return trace

    def _trace(self, document: bytes, *, content: bool = True) -> Trace | None:
        try:
            return self._opened(document) if content else without_content(document)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if not self.unreadable:
                log.warning("traces: damaged rows are left out: %s", error)
            self.unreadable += 1
            return None

    def _opened(self, document: bytes) -> Trace:
        try:
            trace = decode(self._whole(document), self._seal)
        except StoreError as error:
            self._note(error)
            trace = without_content(document)
        if trace.request is None and holds_content(document):
            self.shut.add(trace.id)
        return trace

    def _whole(self, document: bytes) -> bytes:
        """With the content that lies in the lake."""
        file = place_of(document)
        if file is None:
            return document
        if self._lake is None:
            raise StoreError(
                f"Content lies in the file {file}, and [traces.lake] names no folder.",
                hint="Name the folder that it was written to.",
            )
        return joined(document, self._lake.content(file, without_content(document).id))

    def _grade(self, row: GradeRow) -> Grade:
        try:
            return opened(row, self._seal)
        except StoreError as error:
            self._note(error)
            return opened(replace(row, correction=None), None)

    def _note(self, error: StoreError) -> None:
        if not self.unopened:
            log.warning("traces: rows are read without their content: %s", error)
            self.problem = error.message
        self.unopened += 1
