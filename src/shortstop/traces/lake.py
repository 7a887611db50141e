"""The lake: what was asked and answered in Parquet files, named by the rows that it belongs to.

A file holds what one writer put down at once of one day (UTC), and is there, whole and flushed,
before a row names it. So a death between the two leaves a file that no row names: it goes with its
day, and an erasure finds it as it finds all files of a day.

An erasure needs no lock. The database has its record before it lists files, so what a writer puts
after that is written to the database after the record, and that writer takes it out itself. Whoever
puts a file anew asks for the records *after that*, and reads the file again, until it holds nothing
that was erased: so of two that rewrite one file, the last one puts right what it brought back. One
that dies before it asks has told nobody that it was done, and whoever asks again takes out of a
file all that has a record.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import msgspec

from shortstop.config import LakeConfig, bucket_of
from shortstop.errors import ConfigError, StoreError
from shortstop.traces.document import Content, divided
from shortstop.traces.lake_bucket import LakeBucket
from shortstop.traces.lake_files import LakeFiles
from shortstop.traces.lake_folder import LakeFolder
from shortstop.traces.parquet import Contents, Gone, LaidRow, packed, without
from shortstop.types.rows import COLUMNS, Row

log = logging.getLogger(__name__)

DAY = 86_400
"""Seconds."""
_EPOCH = date(1970, 1, 1).toordinal()
_YEAR_9999 = 253_370_764_800
_FAILURES = (OSError, ValueError, MemoryError)  # pyarrow's are among them
_ID, _AT, _TENANT, _CONVERSATION = map(COLUMNS.index, ("id", "at", "tenant", "conversation"))

Erasures = Callable[[float], Mapping[tuple[str, str], float]]
"""Unix time in seconds -> each tenant's conversations erased since then, with the time of that."""


class Lake:
    """Files in one folder or bucket. Thread-safe; processes of several machines may share it.

    `sample` is the share of rows whose content goes there; rows are to be gathered for `gather`
    seconds, so that files are not too small.
    """

    def __init__(self, files: LakeFiles | Path, sample: float = 1.0, gather: float = 0.0) -> None:
        self.files: LakeFiles = LakeFolder(files) if isinstance(files, Path) else files
        self._sample = sample
        self.gather = gather
        self._writer = os.urandom(8).hex()
        self._numbers = count(1)
        self._contents = Contents()
        self._reading = threading.Lock()
        self._fault = ""
        self.laid = 0
        """Rows whose content this process put into files."""
        self.left = 0
        """Rows whose content stays in the database, because no file could be written."""

    @classmethod
    def of(cls, config: LakeConfig) -> Lake | None:
        """None where none is configured. Raises ConfigError where nothing here reads Parquet."""
        files = lake_files(config)
        if files is None:
            return None
        _require_pyarrow()
        return cls(files, config.sample, config.gather_seconds)

    def warm(self) -> None:
        """Import now what would else be imported beside the first requests."""
        import pyarrow.fs
        import pyarrow.parquet  # noqa: F401

    # ------------------------------------------------------------ rows on their way

    def lay(self, rows: Sequence[Row]) -> list[Row]:
        """The same rows, those of the sample with a file named in the place of their content.
        Never raises: content that cannot be laid down now stays in its row."""
        laid = list(rows)
        for day, places in self._days(rows).items():
            file = f"{_folder_of(day)}/part-{self._writer}-{next(self._numbers):06d}.parquet"
            apart = {place: one for place in places if (one := _apart(rows[place], file))}
            if apart and self._put(
                file, [_laid_row(rows[at], one[1]) for at, one in apart.items()]
            ):
                for place, (document, _) in apart.items():
                    laid[place] = rows[place]._replace(document=document)
        return laid

    def _days(self, rows: Sequence[Row]) -> dict[int, list[int]]:
        """Which rows of the sample were asked on which day; what no calendar has is none."""
        days: dict[int, list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            at = row.columns[_AT]
            if 0 <= at < _YEAR_9999 and drawn(row.columns[_ID]) < self._sample:
                days[int(at // DAY)].append(place)
        return days

    def _put(self, file: str, kept: Sequence[LaidRow]) -> bool:
        """Whether the file is there now, and will be after a power cut."""
        try:
            self.files.add(file, packed(kept))
        except _FAILURES as error:
            self.left += len(kept)
            if not self._fault:
                self._fault = str(error)
                log.error("traces: no file can be written to the lake, content stays in the"
                          " database until one can: %s", error)  # fmt: skip
            return False
        self.laid += len(kept)
        if self._fault:
            self._fault = ""
            log.warning("traces: files are written to the lake again")
        return True

    # ------------------------------------------------------------ what lies there

    def content(self, file: str, id: str) -> Content:
        """What was asked and answered in the row `id`. Raises StoreError where it is gone."""
        try:
            with self._reading:
                found = self._contents.find(self.files, file, id)
        except FileNotFoundError as error:
            raise StoreError(
                f"Content is missing: the file {file} is not in {self.files}.",
                hint="It was deleted, or the folder under [traces.lake] is another one.",
            ) from error
        except _FAILURES as error:
            raise StoreError(f"Content cannot be read from the file {file}: {error}.") from error
        if found is None:
            raise StoreError(f"Content is missing: it is not in the file {file}.")
        return found

    def erase(
        self,
        tenant: str,
        conversation: str,
        days: Iterable[int],
        until: float | None = None,
        erasures: Erasures = lambda _: {},
    ) -> int:
        """Take a conversation out of every file of these days, named by rows or not, and what else
        was erased of them; how many files held such. Days are counted from 1970. What was asked
        after `until`, Unix time in seconds, stays. Raises StoreError when that cannot be done now.
        """
        days = sorted(days)

        def gone() -> dict[tuple[str, str], float | None]:
            return {**erasures(days[0] * DAY), (tenant, conversation): until}

        try:
            with self.files.alone():
                names = [name for day in days for name in self.files.of_day(_folder_of(day))]
                known = gone() if names else {}
                return sum(self._rewritten(name, known, gone) for name in names)
        except _FAILURES as error:
            raise StoreError(
                f"Content cannot be taken out of the files in {self.files} now: {error}.",
                status=503,
            ) from error

    def _rewritten(self, name: str, known: Gone, gone: Callable[[], Gone]) -> bool:
        """Whether the file held what is known to be gone, and no longer does."""
        held = False
        with suppress(FileNotFoundError):  # of two that erase, one was here before
            while (data := self._without(name, known)) is not None:
                held = True
                if data:
                    self.files.replace(name, data)
                else:
                    self.files.delete(name)
                known = gone()
        return held

    def _without(self, name: str, gone: Gone) -> bytes | None:
        data = self.files.read(name)
        try:
            return without(data, gone)
        except ValueError as error:
            raise ValueError(f"{name.rpartition('/')[2]} is damaged: {error}") from error

    def expire(self, at: float) -> None:
        """Delete the days that were over at `at`, Unix time in seconds. What cannot be deleted now
        is logged, and tried again by a later call."""
        try:
            self.files.delete_before(_folder_of(int(at // DAY)))
        except _FAILURES as error:
            log.error("traces: a day of the lake cannot be deleted now: %s", error)


def lake_files(config: LakeConfig) -> LakeFiles | None:
    """Where they lie; None where none is configured. Raises ConfigError where nothing here speaks
    to a bucket."""
    if config.folder is None:
        return None
    if bucket_of(config.folder) is None:
        return LakeFolder(Path(config.folder))
    _require_pyarrow()
    return LakeBucket(config)


def described(config: LakeConfig) -> str:
    """Whether files can be put there, in a sentence; "" where none is configured. Tries it."""
    if config.folder is None:
        return ""
    try:
        lake = Lake.of(config)
        assert lake is not None
        lake.files.check()
    except (*_FAILURES, ConfigError) as error:
        return f"Contents cannot be put into files in {config.folder}: {error}"
    return f"Contents go to files in {config.folder}: they can be put there."


def _require_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        raise ConfigError(
            "`folder` under [traces.lake] wants Parquet files, and pyarrow is not installed.",
            hint="pip install 'shortstop[lake]', or `make lake` in a clone.",
        )


def _apart(row: Row, file: str) -> tuple[bytes, Content] | None:
    try:
        return divided(row.document, file)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # a damaged document stays as it is


def _laid_row(row: Row, content: Content) -> LaidRow:
    columns = row.columns
    asked = datetime.fromtimestamp(columns[_AT], UTC)
    return LaidRow(columns[_ID], asked, columns[_TENANT], columns[_CONVERSATION], *content)


def drawn(id: str) -> float:
    """From 0 up to 1, the same wherever it is asked."""
    digest = hashlib.blake2b(id.encode("utf-8", "replace"), digest_size=6, person=b"lake").digest()
    return int.from_bytes(digest, "big") / 2**48


def _folder_of(day: int) -> str:
    return f"day={date.fromordinal(_EPOCH + day).isoformat()}"
