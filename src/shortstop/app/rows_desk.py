"""What the console and the operators' routes are shown of recorded rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from shortstop.app.masking import masked as without_values
from shortstop.app.recorded import Recorded
from shortstop.app.resources import Resources
from shortstop.app.runtime import Runtime
from shortstop.app.trace_files import TraceFiles
from shortstop.traces import TraceReader
from shortstop.traces.grades import opened as opened_grade
from shortstop.types import Grade, Trace
from shortstop.types.console import FileWanted
from shortstop.types.rows import GradeRow


class RowsDesk:
    """`runtime` is the one of the moment."""

    def __init__(self, resources: Resources, runtime: Callable[[], Runtime]) -> None:
        self._resources = resources
        self._runtime = runtime
        self._reader = TraceReader(resources.reports, resources.seal, resources.lake)

    def trace(self, document: bytes, *, opened: bool, masked: bool) -> Trace:
        trace = self._reader.trace(document, content=opened)
        return without_values(trace, self._runtime().redacted) if opened and masked else trace

    def grades(self, rows: Sequence[GradeRow]) -> list[Grade]:
        return [opened_grade(replace(row, correction=None), None) for row in rows]

    def export(self, wanted: FileWanted) -> Iterator[bytes]:
        runtime, resources = self._runtime(), self._resources
        recorded = Recorded(runtime.config, resources.env, resources.paths)
        files = TraceFiles(resources.figures, recorded, runtime.redacted, aside=True)
        return files.made(wanted)
