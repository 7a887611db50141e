"""The one way to a SQLite file: modes, pragmas, waiting for others, schema, and clear failures."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shortstop.errors import StoreError, StoreUnavailable
from shortstop.private_files import FILE, make_folder, tighten
from shortstop.stores.sql.database import SqlVariant
from shortstop.stores.sqlite.migrate import Migration, check, migrate

WAL = ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON")
"""Readers and one writer at a time do not wait for each other; a power cut may lose the last
transactions but never the file. What is deleted is overwritten."""
RETRY_SECONDS = 1.0
READ_BUSY_SECONDS = 5.0
RACE_SECONDS = 0.01
FAILURES = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What using a file raises; the last where it is damaged, even in the place of an error's text."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """What all files of one kind have in common.

    `noun` names the kind in messages ("accounts"). `pragmas` are set on every connection, in this
    order. `busy_seconds` is how long a call waits for another's lock. `hint` says what to do when
    a file of this kind cannot be used.
    """

    noun: str
    migrations: tuple[Migration, ...]
    pragmas: tuple[str, ...] = WAL
    busy_seconds: float = 2.0
    hint: str = ""


def connect(path: Path, kind: FileKind) -> sqlite3.Connection:
    """A connection for reading and writing, its file at the newest schema, in autocommit mode.

    A missing file is created, readable by its owner alone (0600), and so is its folder (0700).
    Raises sqlite3.Error, OSError, and StoreError when a newer Shortstop wrote the file.
    """
    make_folder(path.parent)
    if not path.exists():  # SQLite gives the files beside it the same rights
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE))
    tighten(path.with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal"))
    db = sqlite3.connect(
        path, timeout=kind.busy_seconds, isolation_level=None, check_same_thread=False
    )
    try:
        check(db, path, kind.migrations)
        for pragma in kind.pragmas:
            _set(db, pragma, kind.busy_seconds)
        migrate(db, path, kind.migrations)
    except BaseException:
        db.close()
        raise
    return db


def _set(db: sqlite3.Connection, pragma: str, busy_seconds: float) -> None:
    """SQLite itself does not wait when several connections switch one new file to WAL at once."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            db.execute(f"PRAGMA {pragma}")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(RACE_SECONDS)


NOT_THERE = (
    "The gateway makes it at its first start: run `shortstop serve` first. If it has run, name its"
    " file with --config."
)


def connect_read_only(
    path: Path, kind: FileKind, busy_seconds: float = READ_BUSY_SECONDS
) -> sqlite3.Connection:
    """A connection that changes nothing and never holds up a writer.

    Raises StoreError when there is nothing to read, or it is of another schema version.
    """
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=busy_seconds)
    except sqlite3.Error as error:
        if not path.exists():
            raise StoreError(f"Cannot read {path}: it is not there.", hint=NOT_THERE) from error
        raise StoreError(f"Cannot read {path}: {error}.") from error
    try:
        number = check(db, path, kind.migrations)
        if number < len(kind.migrations):
            raise StoreError(
                f"{path} has schema version {number}, not {len(kind.migrations)}.",
                hint="Start `shortstop serve` once: it brings the file up to date.",
            )
    except (sqlite3.Error, UnicodeDecodeError) as error:
        db.close()
        raise StoreError(f"Cannot read {path}: {error}.") from error
    except StoreError:
        db.close()
        raise
    return db


def is_fault_of_file(error: Exception) -> bool:
    """Whether a write failed because of the file, not because of the values."""
    at_fault = (sqlite3.OperationalError, sqlite3.InternalError)
    return isinstance(error, at_fault) or type(error) is sqlite3.DatabaseError


SQLITE = SqlVariant(
    whole=lambda value: f"CAST({value} AS INTEGER)",
    holds=lambda column: f"instr({column}, ?)",
    at_fault=is_fault_of_file,
)


class Database:
    """One connection to one file, opened when first used. Threads take turns on it.

    Every failure is a StoreError: StoreUnavailable where the same call may succeed later (locked,
    full, read-only, out of reach), a plain one where it will not (damaged, a newer Shortstop's).
    """

    variant = SQLITE

    def __init__(self, path: Path, kind: FileKind) -> None:
        self.path = path
        self._kind = kind
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._closed = False

    @property
    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def open(self) -> None:
        """Connect now. Raises StoreError."""
        with self.reading():
            pass

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for single statements."""
        with self._lock:
            try:
                yield self._db or self._connected()
            except FAILURES as error:
                raise self.failure(error) from error

    @contextmanager
    def writing(self, *subjects: str) -> Iterator[sqlite3.Connection]:
        """One transaction that no thread or process interleaves with, whatever its subjects; undone
        when it raises."""
        with self._lock:
            try:
                db = self._db or self._connected()
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except FAILURES as error:
                raise self.failure(error) from error

    def wipe(self) -> None:
        """Take what was deleted off the disk, out of the write-ahead log too.

        SQLite does not wait for another that moves the log just then, so this does. Raises
        StoreUnavailable where a connection needs the log for longer than `busy_seconds`.
        """
        deadline = time.monotonic() + self._kind.busy_seconds
        while not self._wiped():
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"What was deleted from {self.path} is still in its write-ahead log, which"
                    " another connection reads.",
                    hint="Erase again in a moment.",
                    retry_after=RETRY_SECONDS,
                )
            time.sleep(RACE_SECONDS)

    def _wiped(self) -> bool:
        with self.reading() as db:
            busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    def reconnect(self) -> None:
        """Open the file again at the next call: it may have been replaced."""
        with self._lock:
            self._close()

    def close(self) -> None:
        """Later calls raise StoreError."""
        with self._lock:
            self._closed = True
            self._close()

    def _connected(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError("it is closed")
        self._db = connect(self.path, self._kind)
        return self._db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def failure(self, error: sqlite3.Error | OSError | UnicodeDecodeError) -> StoreError:
        """The StoreError for an error of SQLite or of the file system."""
        what = f"The {self._kind.noun} in {self.path} cannot be used"
        if isinstance(error, (sqlite3.OperationalError, OSError)):
            return StoreUnavailable(
                f"{what} now: {error}.", hint=self._kind.hint, retry_after=RETRY_SECONDS
            )
        if type(error) in (sqlite3.DatabaseError, UnicodeDecodeError):
            return StoreError(
                f"{what}: it is not a usable SQLite database ({error}).",
                hint="Move it away and start again, or name another file.",
                status=503,
            )
        return StoreError(f"{what}: {error}.", hint=self._kind.hint, status=503)
