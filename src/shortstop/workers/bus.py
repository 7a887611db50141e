"""What the workers of one machine tell each other: an append-only file that all of them read.

One write(2) a message, in append mode, so that messages of different processes never mix. A
message is there for everybody as soon as `publish` returns; each worker reads what is new before
it decides something.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

LARGEST = 32 << 20
"""Bytes after which a new file is begun; the last two are kept."""

_HEAD = struct.Struct("<II")  # length of the message, number of the worker that says it


class Bus:
    """One worker's ear and mouth. `author` is its number."""

    def __init__(self, folder: Path, author: int, largest: int = LARGEST) -> None:
        self._folder = folder
        self._author = author
        self._largest = largest
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = self._numbers() or [0]
        self._ears = [_Ear(self._path(n)) for n in numbers[-2:]]
        self._newest = numbers[-1]

    def publish(self, message: bytes) -> None:
        """Raises OSError."""
        fd = self._ears[-1].fd
        os.write(fd, _HEAD.pack(len(message), self._author) + message)
        if os.fstat(fd).st_size >= self._largest:
            self._begin(self._newest + 1)

    def news(self) -> Iterator[bytes]:
        """What others have said since the last call, oldest first; at first all that is kept."""
        while self._path(self._newest + 1).exists():
            self._begin(self._newest + 1)
        for ear in self._ears:
            for author, message in ear.listen():
                if author != self._author:
                    yield message

    def past(self) -> Iterator[bytes]:
        """All that is kept, own words too: for a worker that takes the place of a dead one."""
        for ear in self._ears:
            for _, message in ear.listen():
                yield message

    def close(self) -> None:
        for ear in self._ears:
            ear.close()

    def _begin(self, number: int) -> None:
        """Listen to the next file too; the one before the last is done with."""
        self._ears.append(_Ear(self._path(number)))
        self._newest = number
        while len(self._ears) > 2:
            self._ears.pop(0).close()
        self._path(number - 2).unlink(missing_ok=True)

    def _numbers(self) -> list[int]:
        return sorted(
            int(path.stem.removeprefix("bus-")) for path in self._folder.glob("bus-*.log")
        )

    def _path(self, number: int) -> Path:
        return self._folder / f"bus-{number:06}.log"


class _Ear:
    """One file and how far it was read."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._read = 0

    def listen(self) -> Iterator[tuple[int, bytes]]:
        size = os.fstat(self.fd).st_size
        if size <= self._read:
            return
        data = os.pread(self.fd, size - self._read, self._read)
        at = 0
        while at + _HEAD.size <= len(data):
            length, author = _HEAD.unpack_from(data, at)
            end = at + _HEAD.size + length
            if end > len(data):
                break  # its author has not finished writing
            self._read += end - at
            yield author, data[at + _HEAD.size : end]
            at = end

    def close(self) -> None:
        os.close(self.fd)
