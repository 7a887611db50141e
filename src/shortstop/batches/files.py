"""Files of clients: sealed, each for the key or tenant that uploaded it alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from shortstop.batches.asked import ExpiresAfter
from shortstop.batches.upload import LineCutter, Upload, place
from shortstop.config import Config
from shortstop.errors import Conflict, NotFound, StoreError, TooLarge
from shortstop.ports import Clock, Locker
from shortstop.ports.batches import FileStore
from shortstop.types.batches import FileRow, Piece, Purpose

DAY = 86_400.0
PAGE_BYTES = 1 << 20
"""Bytes of a file that are in memory at once, or one line."""
ABANDONED_SECONDS = DAY
"""After which a file that never became complete is deleted."""
Settings = Callable[[], Config]
"""The configuration in force."""


class UnreadableLine(StoreError):
    """A line cannot be opened: it was sealed with another key, or altered since."""


class FileRecord(Struct, frozen=True):
    """What of a file only its holder reads: it is kept sealed."""

    name: str = ""


class StoredFile(Struct, frozen=True):
    row: FileRow
    name: str


class Holder(Struct, frozen=True):
    """To whom files and batches belong: `name` is the key's id or the tenant."""

    name: str
    tenant: str
    conversation: str = ""


class Files:
    """Every method but the constructor may raise StoreError, and may take a while."""

    def __init__(self, store: FileStore, seal: Locker, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._seal = seal
        self._clock = clock
        self._settings = settings

    @property
    def most_bytes(self) -> int:
        """Of one file."""
        return int(self._settings().batches.max_file_mb * 1e6)

    def begin(self, holder: Holder) -> Upload:
        """A new file of the holder's. Raises TooLarge where there is no room for any."""
        config = self._settings()
        self.require_room(holder.name, 0)
        row = self.new_row(holder, "batch", "")
        self._store.create(row)
        cutter = LineCutter(int(config.server.max_body_mb * 1e6), config.batches.max_requests)
        return Upload(
            row.id, holder.name, self.most_bytes, cutter, self._seal, self.require_room, self._store
        )

    def finish(
        self, upload: Upload, holder: Holder, name: str, expires: ExpiresAfter | None
    ) -> StoredFile:
        """The upload is complete: from now on the file exists."""
        upload.complete()
        seconds = self.kept_seconds(expires.seconds if expires else None)
        record = self._record(upload.id, name)
        self._store.finish(upload.id, self._clock.time() + seconds, record)
        return self.find(holder.name, upload.id)

    def new_row(self, holder: Holder, purpose: Purpose, name: str) -> FileRow:
        """An empty file."""
        id, now = f"file-{secrets.token_hex(12)}", self._clock.time()
        expires = now + self.kept_seconds(None)
        owner = (holder.name, holder.tenant, holder.conversation)
        return FileRow(id, *owner, now, expires, purpose, 0, self._record(id, name))

    def kept_seconds(self, asked: int | None) -> float:
        """For how long a file is kept of which the client has asked for so many seconds."""
        most = self._settings().batches.keep_days * DAY
        return most if asked is None else min(most, asked)

    def require_room(self, holder: str, size: int) -> None:
        """Raises TooLarge where `size` bytes more of the holder's would be too many."""
        most = self._settings().batches.disk_mb * 1e6
        if self._store.held(holder) + size > most / 2 or self._store.held(None) + size > most:
            raise TooLarge(
                f"The files of this key, or of all, hold as much as they may: {most / 2e6:g} MB of"
                f" one key, {most / 1e6:g} MB of all.",
                hint="Delete files that are not needed any more, or raise `batches.disk_mb`.",
                param="file",
            )

    def find(self, holder: str, id: str) -> StoredFile:
        """Raises NotFound, also for a file that is somebody else's."""
        row = self._store.find(holder, id)
        if row is None:
            raise NotFound(f"No such File object: {id[:80]}", param="id")
        return self._opened(row)

    def page(
        self, holder: str, purpose: Purpose | None, after: str | None, limit: int, *, up: bool
    ) -> list[StoredFile]:
        """Raises NotFound where `after` is no file of the holder's."""
        last = None if after is None else self.find(holder, after).row
        rows = self._store.page(holder, purpose, last, limit, up=up)
        return [self._opened(row) for row in rows]

    def drop(self, holder: str, id: str) -> None:
        """Raises NotFound, and Conflict while a batch reads it."""
        found = self._store.drop(holder, id)
        if found == "unknown":
            raise NotFound(f"No such File object: {id[:80]}", param="id")
        if found == "in use":
            raise Conflict(
                "A batch that has not ended reads this file.",
                hint="Cancel the batch first, or wait for its end.",
                code="file_in_use",
            )

    def lines(self, id: str, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Number and content of every line behind `after`, erased ones empty; some at a time are
        in memory. Raises UnreadableLine."""
        while pieces := self._store.pieces(id, after, PAGE_BYTES):
            for number, _, data, _ in pieces:
                yield number, self._line(data, place(id, number)) if data else b""
            after = pieces[-1].number

    # ------------------------------------------------------------ notes of who works on a batch

    def begin_log(self, id: str, holder: Holder) -> None:
        """A file that no client sees, deleted with what is abandoned."""
        self._store.abandon(id)
        self._store.create(self.new_row(holder, "batch", "")._replace(id=id))

    def add_to_log(self, id: str, number: int, data: bytes) -> None:
        """It is on the disk when this returns."""
        self._store.append(id, [Piece(number, len(data), self._seal.lock(data, place(id, number)))])

    def drop_log(self, id: str) -> None:
        self._store.abandon(id)

    def _line(self, sealed: bytes, place: str) -> bytes:
        try:
            return self._seal.unlock(sealed, place)
        except StoreError as error:
            raise UnreadableLine(error.message, hint=error.hint) from error

    def forget(self, tenant: str, conversation: str) -> int:
        """Delete what belongs to a conversation, off the disk; how many files and lines."""
        return self._store.forget(tenant, conversation)

    def sweep(self) -> int:
        """Delete what has had its time, off the disk; how many files."""
        now = self._clock.time()
        return self._store.sweep(now, now - ABANDONED_SECONDS)

    def _record(self, id: str, name: str) -> bytes:
        return self._seal.lock(msgspec.json.encode(FileRecord(name)), id)

    def _opened(self, row: FileRow) -> StoredFile:
        """Without its name where that was sealed with another key."""
        try:
            record = self._seal.unlock(row.record, row.id)
        except StoreError:
            return StoredFile(row, "")
        return StoredFile(row, msgspec.json.decode(record, type=FileRecord).name)
