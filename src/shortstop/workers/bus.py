"""How the workers of one machine share news: append-only files that all of them read.

One write(2) per message, in append mode, so that messages of different processes never mix. A
message can be read by everyone as soon as `publish` returns; each worker reads what is new before
it decides something.

The version of the messages is in the names of the files. A worker that was started from another
release finds its own files only, and says so: what the two of them learn is shared again when all
run the same release.
"""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from shortstop.private_files import make_folder

log = logging.getLogger("shortstop")

VERSION = 6
"""Counts up when the messages (`news`) change."""
MAX_FILE_BYTES = 32 << 20
"""Bytes after which a new file is begun; the last two are kept."""
KEPT_FILES = 2

_HEAD = struct.Struct("<II")  # length of the message, number of the worker that wrote it


class Bus:
    """One worker's end of it; `author` is the worker's number.

    Raises OSError when the folder cannot be used.
    """

    def __init__(self, folder: Path, author: int, max_file_bytes: int = MAX_FILE_BYTES) -> None:
        self._folder = folder
        self._author = author
        self._max_file_bytes = max_file_bytes
        make_folder(folder)
        _warn_of_other_versions(folder)
        numbers = self._numbers() or [0]
        self._readers = [_Reader(self._path(n)) for n in numbers[-KEPT_FILES:]]
        self._newest = numbers[-1]

    def publish(self, message: bytes) -> None:
        """Raises OSError."""
        fd = self._readers[-1].fd
        os.write(fd, _HEAD.pack(len(message), self._author) + message)
        if os.fstat(fd).st_size >= self._max_file_bytes:
            self._begin(self._newest + 1)

    def news(self) -> Iterator[bytes]:
        """What others have published since the last call, oldest first; at first all that is
        kept."""
        while (following := self._following()) is not None:
            self._begin(following)
        for reader in self._readers:
            for author, message in reader.new():
                if author != self._author:
                    yield message

    def past(self) -> Iterator[bytes]:
        """All that is kept, this author's own too: for a worker that replaces a dead one."""
        for reader in self._readers:
            for _, message in reader.new():
                yield message

    def close(self) -> None:
        for reader in self._readers:
            reader.close()

    def _following(self) -> int | None:
        """The next file's number. It may be gone, as ours is then: who was away goes on with what
        there is."""
        if self._path(self._newest + 1).exists():
            return self._newest + 1
        if os.fstat(self._readers[-1].fd).st_nlink:
            return None
        return next((n for n in self._numbers() if n > self._newest), None)

    def _begin(self, number: int) -> None:
        """Read the next file too; the one before the last is finished."""
        self._readers.append(_Reader(self._path(number)))
        self._newest = number
        while len(self._readers) > KEPT_FILES:
            oldest = self._readers.pop(0)
            if oldest.unread:
                log.warning("%d bytes of news are gone before they were read", oldest.unread)
            oldest.close()
        self._path(number - KEPT_FILES).unlink(missing_ok=True)

    def _numbers(self) -> list[int]:
        return sorted(
            int(path.stem.rpartition("-")[2]) for path in self._folder.glob(f"{_prefix()}*.log")
        )

    def _path(self, number: int) -> Path:
        return self._folder / f"{_prefix()}{number:06}.log"


def _prefix() -> str:
    return f"news-{VERSION}-"


def forget_other_versions(folder: Path) -> None:
    """Delete the files of other releases, where no worker of theirs can be running."""
    for path in folder.glob("news-*.log"):
        if not path.name.startswith(_prefix()):
            path.unlink(missing_ok=True)


def _warn_of_other_versions(folder: Path) -> None:
    """Files of another release are left alone: a worker of that release may be using them."""
    others = sorted(
        path.name
        for pattern in ("bus-*.log", "news-*.log")
        for path in folder.glob(pattern)
        if not path.name.startswith(_prefix())
    )
    if others:
        log.warning(
            "workers of another release run here: %s is not read, and what they learn is not "
            "shared until all are restarted",
            ", ".join(others),
        )


class _Reader:
    """One file and how far it was read."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._read = 0

    @property
    def unread(self) -> int:
        """Bytes."""
        return os.fstat(self.fd).st_size - self._read

    def new(self) -> Iterator[tuple[int, bytes]]:
        """Author and message of what was not read yet."""
        size = os.fstat(self.fd).st_size
        if size <= self._read:
            return
        data = os.pread(self.fd, size - self._read, self._read)
        start = 0
        while start + _HEAD.size <= len(data):
            length, author = _HEAD.unpack_from(data, start)
            end = start + _HEAD.size + length
            if end > len(data):
                break  # its author has not finished writing
            self._read += end - start
            yield author, data[start + _HEAD.size : end]
            start = end

    def close(self) -> None:
        os.close(self.fd)
