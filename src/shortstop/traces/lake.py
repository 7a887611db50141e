"""The lake: what was asked and answered in Parquet files, named by the rows that it belongs to.

A file holds what one writer put down at once of one day (UTC), and is there, whole and flushed,
before a row names it. So a death between the two leaves a file that no row names: it goes with its
day, and an erasure finds it as it finds all files of a day. Who writes holds the folder's lock
shared, who erases or deletes has it alone: drafts that it finds then are those of the dead.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import msgspec

from shortstop.config import LakeConfig
from shortstop.errors import ConfigError, StoreError
from shortstop.private_files import FILE, make_folder, replace_file
from shortstop.traces.document import Content, divided
from shortstop.traces.parquet import Contents, LaidRow, packed, without
from shortstop.types.rows import COLUMNS, Row

log = logging.getLogger(__name__)

DAY = 86_400
"""Seconds."""
_EPOCH = date(1970, 1, 1).toordinal()
_YEAR_9999 = 253_370_764_800
_LOCK = ".lock"
_FAILURES = (OSError, ValueError, MemoryError)  # pyarrow's are among them
_ID, _AT, _TENANT, _CONVERSATION = map(COLUMNS.index, ("id", "at", "tenant", "conversation"))


class Lake:
    """One folder of files. Thread-safe; processes of several machines may share it.

    `sample` is the share of rows whose content goes there; rows are to be gathered for `gather`
    seconds, so that files are not too small.
    """

    def __init__(self, folder: Path, sample: float = 1.0, gather: float = 0.0) -> None:
        self._folder = folder
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
        if config.folder is None:
            return None
        if find_spec("pyarrow") is None:
            raise ConfigError(
                "`folder` under [traces.lake] wants Parquet files, and pyarrow is not installed.",
                hint="pip install 'shortstop[lake]', or `make lake` in a clone.",
            )
        return cls(Path(config.folder), config.sample, config.gather_seconds)

    def warm(self) -> None:
        """Import now what would else be imported beside the first requests."""
        import pyarrow.compute
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
        path = self._folder / file
        try:
            data = packed(kept)
            with self._locked(fcntl.LOCK_SH):
                if not path.parent.is_dir():
                    make_folder(path.parent)
                    _flush(self._folder)
                replace_file(path, data, flush=True)
                _flush(path.parent)
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
                found = self._contents.find(self._folder, file, id)
        except FileNotFoundError as error:
            raise StoreError(
                f"Content is missing: the file {file} is not in {self._folder}.",
                hint="It was deleted, or the folder under [traces.lake] is another one.",
            ) from error
        except _FAILURES as error:
            raise StoreError(f"Content cannot be read from the file {file}: {error}.") from error
        if found is None:
            raise StoreError(f"Content is missing: it is not in the file {file}.")
        return found

    def erase(
        self, tenant: str, conversation: str, days: Iterable[int], until: float | None = None
    ) -> int:
        """Take a conversation out of every file of these days, named by rows or not; how many files
        held it. Days are counted from 1970. What was asked after `until`, Unix time in seconds,
        stays. Raises StoreError when that cannot be done now."""
        try:
            with self._locked(fcntl.LOCK_EX):
                files = [file for day in days for file in self._files(day)]
                return sum(_rewritten(file, tenant, conversation, until) for file in files)
        except _FAILURES as error:
            raise StoreError(
                f"Content cannot be taken out of the files in {self._folder} now: {error}.",
                status=503,
            ) from error

    def expire(self, at: float) -> None:
        """Delete the days that were over at `at`, Unix time in seconds. What cannot be deleted now
        is logged, and tried again by a later call."""
        first = _folder_of(int(at // DAY))
        try:
            with self._locked(fcntl.LOCK_EX):
                for folder in self._folder.glob("day=*"):
                    if folder.name < first:
                        shutil.rmtree(folder)
        except _FAILURES as error:
            log.error("traces: a day of the lake cannot be deleted now: %s", error)

    def _files(self, day: int) -> list[Path]:
        """Those of a day, without what the dead have left behind."""
        folder = self._folder / _folder_of(day)
        for draft in folder.glob(".*.tmp"):
            draft.unlink()
        return sorted(folder.glob("*.parquet"))

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Raises OSError where there is no folder: it is not made, for a store that is not mounted
        would be written to the disk beneath it."""
        if not self._folder.is_dir():
            raise FileNotFoundError(f"there is no folder {self._folder}")
        fd = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE)
        try:
            fcntl.flock(fd, how)
            yield
        finally:
            os.close(fd)


def _rewritten(file: Path, tenant: str, conversation: str, until: float | None) -> bool:
    """Whether the file held the conversation, and no longer does."""
    last = None if until is None else datetime.fromtimestamp(until, UTC)
    try:
        data = without(file, tenant, conversation, last)
    except ValueError as error:
        raise ValueError(f"{file.name} is damaged: {error}") from error
    if data is None:
        return False
    if data:
        replace_file(file, data, flush=True)
    else:
        file.unlink()
    _flush(file.parent)
    return True


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


def _flush(folder: Path) -> None:
    """The names in a folder outlive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
