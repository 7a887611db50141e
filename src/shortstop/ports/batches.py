"""The doors to uploaded files and to batches; they promise what `ports.stores` says of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from shortstop.types.batches import BatchRow, Dropped, FileRow, Piece, Purpose


class FileStore(Protocol):
    """Files in pieces. A file exists once it is finished, and then for its holder alone."""

    def create(self, row: FileRow) -> None:
        """Begin a file that is empty and not finished."""

    def append(self, id: str, pieces: Sequence[Piece]) -> None:
        """Add to a file that is not finished; nothing happens where there is none."""

    def finish(self, id: str, expires: float, record: bytes) -> None:
        """From now on it exists."""

    def find(self, holder: str, id: str) -> FileRow | None: ...

    def page(
        self, holder: str, purpose: Purpose | None, after: FileRow | None, limit: int, *, up: bool
    ) -> list[FileRow]:
        """The holder's files, newest first or, with `up`, oldest first; those behind `after`."""

    def pieces(self, id: str, after: int, most: int) -> list[Piece]:
        """The first pieces whose number is above `after`, finished or not: of about `most` bytes
        together, and at least one where there is one."""

    def drop(self, holder: str, id: str) -> Dropped:
        """Delete a file, and off the disk, unless a batch that has not ended reads it."""

    def abandon(self, id: str) -> None:
        """Delete a file that was not finished."""

    def held(self, holder: str | None) -> int:
        """Bytes of the holder's files, or of all, unfinished ones too."""

    def forget(self, tenant: str, conversation: str) -> int:
        """Delete the files of a conversation and the batches that read them, empty its pieces of
        other files, and all that off the disk; how many files and pieces."""

    def sweep(self, now: float, abandoned: float) -> int:
        """Delete the files that have expired and what was begun before `abandoned` and never
        finished, but nothing of a batch that has not ended; and off the disk; how many."""

    def close(self) -> None: ...


class BatchStore(Protocol):
    """Batches over the files of `FileStore`. An unfinished batch is worked on by one owner."""

    def add(self, row: BatchRow, output: FileRow, errors: FileRow) -> bool:
        """Begin a batch and its two files, which are not finished. False, and nothing happened,
        where its holder has no such input file."""

    def find(self, holder: str | None, id: str) -> BatchRow | None:
        """The holder's batch, or whosever it is."""

    def page(self, holder: str | None, after: BatchRow | None, limit: int) -> list[BatchRow]:
        """The holder's batches, or all, newest first; those behind `after`."""

    def unfinished(self, holder: str | None) -> int:
        """How many of the holder's batches, or of all, have not ended."""

    def change(self, id: str, change: Callable[[BatchRow], BatchRow]) -> BatchRow | None:
        """Write what `change` makes of the batch, but for its counts of answers and its files.
        None: there is no such batch. `change` may be called again where a transaction is tried
        again."""

    def claim(self) -> BatchRow | None:
        """The oldest batch that has not ended and that nobody alive works on; it is the caller's
        from now on, until the store is closed, `release` is called or the process dies."""

    def release(self, id: str) -> None:
        """Give a claimed batch back."""

    def answer(self, id: str, piece: Piece, *, failed: bool) -> bool:
        """Keep a line's answer in the output or, `failed`, in the errors, and count it. It is on
        the disk when this returns, power cuts included. False, and nothing happened, where the
        line has one, or the batch has ended or is not there. The input's line is erased with the
        piece's conversation from now on."""

    def answered(self, id: str) -> set[int]:
        """The numbers of the lines that have an answer."""

    def end(
        self, id: str, change: Callable[[BatchRow], BatchRow], expires: float
    ) -> BatchRow | None:
        """`change` the batch to one that has ended: files of answers exist from now on until
        `expires`, empty ones are gone."""

    def sweep(self, before: float) -> int:
        """Delete the batches from before then that have ended; how many."""

    def close(self) -> None: ...
