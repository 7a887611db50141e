"""Files -> logged calls, one at a time, with what could not be read told to `Problems`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from shortstop.backtest.problems import Problems
from shortstop.dialects.logs import LogLine, NoModelCall, read_line
from shortstop.evaluate.log_lines import BREAKS_OFF, GZIP, log_lines

MOST_HALVES = 256 << 20
"""Bytes of batch lines that wait for their other half; later ones stay halves."""
ESTIMATED_ON = 500
"""Rows that are read to estimate the rest."""
UNPACKED = 8.0
"""How much larger a packed log is thought to be."""
Advance = Callable[[int], None]
"""Told how many bytes of the files were read."""


class LoggedCall(NamedTuple):
    """A call with its place."""

    line: LogLine
    file: str
    number: int


class ReadingEstimate(Struct, frozen=True):
    """What reading will take, from the first rows of each file."""

    files: int
    megabytes: float
    rows: int
    forms: dict[str, int]
    seconds: float


class _BatchHalves:
    """Joins the request and the answer of a batch by the name that both have."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[LoggedCall, int]] = {}
        self._held = 0

    def joined(self, call: LoggedCall, size: int) -> LoggedCall | None:
        """The whole call; None while its other half is awaited."""
        name = call.line.join
        if name is None or (call.line.body is not None and call.line.answer is not None):
            return call
        other, bytes_held = self._waiting.pop(name, (None, 0))
        self._held -= bytes_held
        if other is not None and (other.line.body is None) != (call.line.body is None):
            return _whole(other, call)
        if self._held + size > MOST_HALVES:
            return call
        self._waiting[name] = call, size
        self._held += size
        return None

    def left(self) -> Iterator[LoggedCall]:
        return (call for call, _ in self._waiting.values())


def _whole(one: LoggedCall, other: LoggedCall) -> LoggedCall:
    asked, told = (one, other) if one.line.body is not None else (other, one)
    line = replace(
        told.line,
        body=asked.line.body,
        task=asked.line.task,
        user=asked.line.user or told.line.user,
        model=told.line.model or asked.line.model,
    )
    return told._replace(line=line)


def calls(files: Iterable[Path], problems: Problems, advance: Advance) -> Iterator[LoggedCall]:
    """Every call of a model in the files. Raises OSError for a file that cannot be opened."""
    halves = _BatchHalves()
    for file in files:
        for number, line in _lines(file, problems, advance):
            for call in _calls(line, file.name, number, problems):
                whole = halves.joined(call, len(line))
                if whole is not None:
                    yield whole
    yield from halves.left()


def _lines(file: Path, problems: Problems, advance: Advance) -> Iterator[tuple[int, bytes]]:
    number = read = 0
    with file.open("rb") as stream:
        try:
            for number, line in enumerate(log_lines(stream), start=1):
                if line.strip():
                    yield number, line
                if number % 64 == 0:
                    read = _told(stream.tell(), read, advance)
        except BREAKS_OFF as error:
            problems.add("file-breaks-off", file.name, number + 1, str(error))
        _told(file.stat().st_size, read, advance)


def _told(now: int, before: int, advance: Advance) -> int:
    advance(max(0, now - before))
    return max(now, before)


def _calls(line: bytes, file: str, number: int, problems: Problems) -> Iterator[LoggedCall]:
    try:
        found = read_line(line)
    except NoModelCall as error:
        problems.add("no-model-call", file, number, str(error))
        return
    except ValueError as error:
        problems.add("not-readable", file, number, str(error))
        return
    yield from (LoggedCall(one, file, number) for one in found)


def estimate(files: Iterable[Path], seconds_a_row: float) -> ReadingEstimate:
    """From the first rows of each file. Raises OSError."""
    count, size, rows = 0, 0, 0.0
    forms: dict[str, int] = {}
    for file in files:
        count += 1
        size += file.stat().st_size
        rows += _rows_in(file, forms)
    return ReadingEstimate(count, size / 1e6, round(rows), forms, rows * seconds_a_row)


def _rows_in(file: Path, forms: dict[str, int]) -> float:
    problems, seen, taken = Problems(), 0, 0
    with file.open("rb") as stream:
        packed = stream.read(2) == GZIP
        stream.seek(0)
        try:
            for line in log_lines(stream):
                if not line.strip():
                    continue
                seen += 1
                taken += len(line)
                for call in _calls(line, file.name, seen, problems):
                    forms[call.line.form] = forms.get(call.line.form, 0) + 1
                if seen >= ESTIMATED_ON:
                    break
            else:
                return float(seen)
        except BREAKS_OFF:
            return float(seen)
    whole = file.stat().st_size * (UNPACKED if packed else 1.0)
    return max(seen, whole * seen / max(taken, 1))
