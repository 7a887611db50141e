"""Traces as they were before they were kept: opened where they are sealed."""

from __future__ import annotations

from collections.abc import Iterator

from shortstop.ports.stores import ReportReader
from shortstop.traces.document import decode
from shortstop.traces.seal import Seal
from shortstop.types import Trace


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
