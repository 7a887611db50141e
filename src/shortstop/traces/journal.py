"""The journal: one write(2) per row, so that a row outlives the process that wrote it.

A journal is a folder of segments. The segment that a living process writes is locked with
flock, which the kernel lets go when the process dies, however it dies: a segment that can be
locked has no owner and may be replayed. Knows nothing of SQL and nothing of what a row says.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from shortstop.private_files import make_folder

log = logging.getLogger(__name__)

OPENED = 1
FINISHED = 2
GRADED = 3

_HEAD = struct.Struct("<BII")  # kind, length of the payload, crc32 of kind and payload
_SEGMENT_BYTES = 8 << 20
_NAMELESS_SECONDS = 60
_serial = count()


class Segment:
    """One locked file.

    `waiting` counts the rows in it that the database does not hold yet; of these, `spilled` are
    not in memory any more either and have to be read from the file again.
    """

    __slots__ = ("broken", "fd", "path", "size", "spilled", "waiting")

    def __init__(self, folder: Path) -> None:
        name = f"{os.getpid()}-{next(_serial)}-{os.urandom(4).hex()}"
        new = folder / f"{name}.new"
        self.fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.path = folder / f"{name}.log"
        self.size = 0
        self.waiting = 0
        self.spilled = 0
        self.broken = False
        try:
            # Locked before it has a name that a recovering process looks at.
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            new.rename(self.path)
        except BaseException:
            os.close(self.fd)
            raise

    def write(self, record: bytes) -> None:
        """Raises OSError; the segment then ends where it ended before."""
        try:
            written = os.write(self.fd, record)
            if written < len(record):
                raise OSError(f"only {written} of {len(record)} bytes could be written")
        except OSError:
            self.broken = True
            os.ftruncate(self.fd, self.size)
            raise
        self.size += written

    def empty(self) -> None:
        os.ftruncate(self.fd, 0)
        self.size = 0

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.fd)

    def abandon(self) -> None:
        """Close the file; the next store to open the folder replays it."""
        os.close(self.fd)


class Journal:
    """The segments of one process. Not locked by itself: the store's lock guards every call."""

    def __init__(self, folder: Path, fsync: bool) -> None:
        self.folder = folder
        self._fsync = fsync
        self._current: Segment | None = None
        self._segments: list[Segment] = []

    def write(self, kind: int, payload: bytes) -> Segment:
        """Append one record. Raises OSError when the journal cannot be written."""
        segment = self._current
        if segment is None or segment.broken or segment.spilled or segment.size >= _SEGMENT_BYTES:
            segment = self._begin()
        segment.write(frame(kind, payload))
        if self._fsync:
            os.fdatasync(segment.fd)
        segment.waiting += 1
        return segment

    def _begin(self) -> Segment:
        make_folder(self.folder)
        segment = Segment(self.folder)
        self._segments.append(segment)
        previous, self._current = self._current, segment
        if previous is not None:
            self._tidy(previous)
        return segment

    def release(self, segment: Segment, rows: int = 1) -> None:
        """That many rows of the segment are safe in the database."""
        segment.waiting -= rows
        self._tidy(segment)

    def _tidy(self, segment: Segment) -> None:
        if segment.waiting:
            return
        if segment is self._current and not segment.broken:
            segment.empty()
        else:
            if segment is self._current:
                self._current = None
            self._segments.remove(segment)
            segment.remove()

    def close(self) -> None:
        """Remove what the database holds, leave the rest to be replayed."""
        for segment in self._segments:
            if segment.waiting:
                segment.abandon()
            else:
                segment.remove()
        self._segments.clear()
        self._current = None


def frame(kind: int, payload: bytes) -> bytes:
    return _HEAD.pack(kind, len(payload), zlib.crc32(payload, kind)) + payload


def read(path: Path) -> Iterator[tuple[int, bytes]]:
    """The records of a segment, up to its end or to the first one that is torn or damaged."""
    with path.open("rb") as file:
        while (record := _next(file)) is not None:
            yield record


def _next(file: BinaryIO) -> tuple[int, bytes] | None:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, length, crc = _HEAD.unpack(head)
    payload = file.read(min(length, os.fstat(file.fileno()).st_size))
    if len(payload) < length or zlib.crc32(payload, kind) != crc:
        return None
    return kind, payload


def retire(path: Path) -> None:
    """The segment has been replayed: remove it. One that could not be read to its end is set aside
    as `NAME.damaged`, and named."""
    size, readable = path.stat().st_size, sum(_HEAD.size + len(data) for _, data in read(path))
    if readable == size:
        path.unlink(missing_ok=True)
        return
    aside = path.with_suffix(".damaged")
    path.rename(aside)
    log.error(
        "traces: the last %d of %d bytes of a journal cannot be read: the rows in them are lost."
        " The file is kept as %s until its rows would be deleted",
        size - readable, size, aside,
    )  # fmt: skip


def sweep_damaged(folder: Path, before: float) -> None:
    """Remove what was set aside before `before`, Unix seconds: its rows' time is over."""
    for path in folder.glob("*.damaged"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                path.unlink()


def orphans(folder: Path) -> Iterator[Path]:
    """Segments without a living owner; each stays locked while the caller looks at it."""
    if not folder.is_dir():
        return
    _sweep(folder)
    for path in sorted(folder.glob("*.log")):
        try:
            fd = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            continue
        try:
            if path.exists():  # another process may have replayed it between glob and lock
                yield path
        finally:
            os.close(fd)


def _sweep(folder: Path) -> None:
    """Remove segments whose maker died before they had a name; they are empty."""
    for path in folder.glob("*.new"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _NAMELESS_SECONDS:
                path.unlink()
