"""Recorded rows as files: JSON lines, Parquet, OpenAI's chat format with people's corrections.

They are made a page at a time. Nothing is held open between two pages, so that whoever takes them
slowly holds up neither the writer nor the disk.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from shortstop.app.clock import CLOCK
from shortstop.app.masking import masked, masked_grade
from shortstop.app.recorded import Recorded, decoded
from shortstop.errors import InvalidRequest, StoreError
from shortstop.flywheel.examples import Examples
from shortstop.flywheel.export import exported
from shortstop.flywheel.gather import Corrections
from shortstop.ports.stores import FigureReader
from shortstop.traces import Redact, TraceReader
from shortstop.traces.document import answer, encode
from shortstop.traces.table import ParquetRows
from shortstop.types import Grade, Trace
from shortstop.types.console import FileWanted, RowCursor
from shortstop.types.rows import GradeRow

log = logging.getLogger("shortstop")

ROWS = 200
"""Of one page."""
PAGE_SECONDS = 10.0
LONGEST_PAUSE = 0.05
"""Seconds."""

Judged = tuple[Trace, list[Grade]]
Page = list[Judged]
Form = tuple[Callable[[Page], bytes], Callable[[], bytes]]
"""A page's bytes, and the file's last ones."""


class TraceFiles:
    """Of one gateway. With `aside` it pauses for as long as it worked, so that requests which share
    the interpreter are not kept waiting."""

    def __init__(
        self, figures: FigureReader, recorded: Recorded, redact: Redact, *, aside: bool = False
    ) -> None:
        self._figures = figures
        self._recorded = recorded
        self._reader: TraceReader = recorded.reader()
        self._redact = redact
        self._aside = aside
        self.rows = 0
        """That were read so far, damaged ones left out."""

    def made(self, wanted: FileWanted) -> Iterator[bytes]:
        """The file, in pieces, "" among them; each is read when it is asked for.

        Raises InvalidRequest or ConfigError at once where there can be no such file, and StoreError
        at any piece.
        """
        page, end = self._form(wanted)
        if wanted.form == "openai":
            least = self._recorded.learnable_since(CLOCK.time())
            since = max(least, wanted.chosen.since or least)
            wanted = replace(wanted, chosen=replace(wanted.chosen, since=since))
        return self._pieces(wanted, page, end)

    def _pieces(
        self, wanted: FileWanted, page: Callable[[Page], bytes], end: Callable[[], bytes]
    ) -> Iterator[bytes]:
        after: RowCursor | None = None
        while True:
            with self._figures.figures(PAGE_SECONDS) as reading:
                found = reading.documents(wanted.chosen, after, ROWS)
            shown = [one for one in self._shown(found.rows, wanted) if one is not None]
            self.rows += len(shown)
            yield page(shown)
            after = found.next
            if after is None:
                break
        yield end()

    def _shown(
        self, rows: Sequence[tuple[bytes, list[GradeRow]]], wanted: FileWanted
    ) -> Iterator[Judged | None]:
        for document, grades in rows:
            began = time.monotonic()
            yield self._one(document, grades, wanted)
            if self._aside:
                time.sleep(min(time.monotonic() - began, LONGEST_PAUSE))

    def _one(
        self, document: bytes, grades: Sequence[GradeRow], wanted: FileWanted
    ) -> Judged | None:
        """None of a damaged row."""
        try:
            if wanted.content == "none":
                return self._reader.trace(document, content=False), []
            trace, given = self._reader.one(document, grades)
        except StoreError:
            return None
        if wanted.content == "full":
            return trace, given
        return masked(trace, self._redact), [masked_grade(one, self._redact) for one in given]

    def _form(self, wanted: FileWanted) -> Form:
        if wanted.form == "parquet":
            table = ParquetRows()
            return (lambda page: table.rows(trace for trace, _ in page)), table.end
        if wanted.form == "openai":
            if wanted.content == "none":
                raise InvalidRequest("A chat without its content is none.", param="content")
            return self._chat(), bytes
        return _json_lines, bytes

    def _chat(self) -> Callable[[Page], bytes]:
        recorded = self._recorded
        if not recorded.teachers:
            recorded.require_teacher(Corrections(self._reader.grades()))

        def lines(page: Page) -> bytes:
            corrections = Corrections(grade for _, grades in page for grade in grades)
            examples = Examples(recorded.teachers, decoded)
            rows = (trace for trace, _ in page)
            return _lines(exported(rows, corrections, examples, decoded))

        return lines


def _json_lines(page: Page) -> bytes:
    """As `shortstop traces export` writes them, and `shortstop replay` reads."""
    return _lines(encode(one, one.request, answer(one.response)) for one, _ in page)


def _lines(lines: Iterator[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
