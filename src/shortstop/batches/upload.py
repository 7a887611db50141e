"""A file that arrives: cut into lines as it comes, each sealed and written before the next ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from shortstop.errors import InvalidRequest, TooLarge
from shortstop.ports import Locker
from shortstop.ports.batches import FileStore
from shortstop.types.batches import Piece

STEP = 1 << 18
"""Bytes of lines that are written in one transaction."""


class LineCutter:
    """Numbers lines from 1. Blank ones stay before the next line: a file comes back as it was."""

    def __init__(self, longest: int, most: int) -> None:
        self._longest = longest
        self._most = most
        self._rest: list[bytes] = []
        self._size = 0
        self._lines = 0
        self._cut = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The lines that are complete now. Raises TooLarge or InvalidRequest."""
        start = 0
        while (end := data.find(b"\n", start) + 1) > 0:
            self._hold(data[start:end])
            self._lines += 1
            start = end
            if not self._blank:
                yield self._taken()
        if start < len(data):
            self._hold(data[start:])

    def rest(self) -> Iterator[tuple[int, bytes]]:
        """What is left when there is no more."""
        if self._size:
            self._lines += not self._rest[-1].endswith(b"\n")
            yield self._taken()

    @property
    def holding(self) -> int:
        """Bytes of a line of which more is to come."""
        return self._size

    @property
    def _blank(self) -> bool:
        return not any(part.strip() for part in self._rest)

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._longest:
            raise TooLarge(
                f"Line {self._lines + 1} has more than {self._longest / 1e6:g} MB.",
                hint="Send smaller requests, or raise `server.max_body_mb`.",
                param="file",
            )
        if self._rest and not self._rest[-1].strip() and not part.strip():
            part = self._rest.pop() + part
        self._rest.append(part)

    def _taken(self) -> tuple[int, bytes]:
        self._cut += 1
        if self._cut > self._most:
            raise InvalidRequest(
                f"The file has more than {self._most:,} lines: line {self._lines} is one too many.",
                hint="Send several files, or raise `batches.max_requests`.",
                param="file",
            )
        line = b"".join(self._rest)
        self._rest, self._size = [], 0
        return self._lines, line


class Room(Protocol):
    """Raises TooLarge where a holder's files may not hold `size` bytes more."""

    def __call__(self, holder: str, size: int) -> None: ...


class Upload:
    """One file in the making, of at most `most` bytes. Calls may take a while: not for the loop.
    Either `complete` or `abandon` follows."""

    def __init__(
        self, id: str, holder: str, most: int, cutter: LineCutter, seal: Locker, room: Room,
        store: FileStore,
    ) -> None:  # fmt: skip
        self.id = id
        self._holder = holder
        self._most = most
        self._cutter = cutter
        self._seal = seal
        self._room = room
        self._store = store
        self._pieces: list[Piece] = []
        self._held = 0
        self.size = 0

    @property
    def holding(self) -> int:
        """Bytes that are in memory now: the beginning of a line, and lines to be written."""
        return self._held + self._cutter.holding

    def write(self, data: bytes) -> None:
        """Raises TooLarge, InvalidRequest and StoreError."""
        self.size += len(data)
        if self.size > self._most:
            raise TooLarge(
                f"The file has more than {self._most / 1e6:g} MB.",
                hint="Send several files, or raise `batches.max_file_mb`.",
                param="file",
            )
        self._add(self._cutter.feed(data))
        if self._held >= STEP:
            self._flush()

    def complete(self) -> None:
        """All of it is written. Raises as `write` does."""
        self._add(self._cutter.rest())
        self._flush()
        if not self.size:
            raise InvalidRequest("The file is empty.", param="file")

    def abandon(self) -> None:
        """Delete what there is of it. Raises StoreError."""
        self._store.abandon(self.id)

    def _add(self, lines: Iterator[tuple[int, bytes]]) -> None:
        for number, line in lines:
            sealed = self._seal.lock(line, place(self.id, number))
            self._pieces.append(Piece(number, len(line), sealed))
            self._held += len(line)

    def _flush(self) -> None:
        if self._pieces:
            self._room(self._holder, self._held)
            self._store.append(self.id, self._pieces)
            self._pieces, self._held = [], 0


def place(file: str, number: int) -> str:
    """What a line is sealed for."""
    return f"{file} {number}"
