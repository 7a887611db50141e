"""The audit log: append-only lines, each sealed together with everything before it.

A record carries an HMAC over itself and its predecessor's. A signed head in a file of its own says
how many records there are, so that a log cut off at the end is noticed as well. No value enters it.
Several processes may write one log; a full file is set aside (`LOG.000001`, ...) and the chain goes
on in the next.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.private_files import make_folder, replace_file

GENESIS = "0" * 64
LARGEST = 64 << 20
"""Bytes after which the file is set aside."""
GAP = "gap"
"""The kind of an event that reports missing records."""
TAIL = 1 << 16
"""Bytes at the end of a file that hold at least the last record."""


class AuditEvent(Struct, frozen=True):
    """What happened: never a value, only labels, counts and keyed hashes."""

    at: float
    kind: str
    tenant: str
    request: str
    tier: int = 0
    reach: int = 0
    labels: dict[str, int] = {}
    reasons: tuple[str, ...] = ()
    policy: str = ""
    target: str | None = None
    detail: str = ""


class AuditRecord(Struct, frozen=True):
    """A line of the log. `n` counts from 0; `mac` seals the event and the record before."""

    n: int
    event: AuditEvent
    mac: str


class ChainBreak(Struct, frozen=True):
    """The first place where the log is not what was written. `n` counts from 0."""

    n: int
    what: str


_encode = msgspec.json.Encoder().encode
_record = msgspec.json.Decoder(AuditRecord).decode


class AuditLog:
    """Appends to `path`. Each writer takes the lock and continues from what it finds there.

    Raises StoreError when the log was written with another key or its end cannot be read: a chain
    is not continued over a break. A half-written record of a crash goes into a file of its own
    (`LOG.torn-N`). When records are missing that the head still counts, the next one says so
    (`gap`), for good.
    """

    def __init__(
        self,
        path: Path,
        key: bytes,
        largest: int = LARGEST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path, self._key, self._largest, self._clock = path, key, largest, clock
        self._threads = threading.Lock()
        self._n, self._last = 0, GENESIS
        self._known_state = (0, 0)
        try:
            make_folder(path.parent)
            self._head = os.open(head_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            self._file = _opened(path)
            with self._locked():
                self._catch_up()
                if not os.fstat(self._head).st_size:
                    # A log without a record is whole too, for who starts and for who only tries.
                    os.pwrite(self._head, _head(self._key, 0, GENESIS), 0)
        except BaseException as error:
            os.close(self._head)
            if isinstance(error, OSError):
                raise _unusable(path, error) from error
            raise

    def append(self, event: AuditEvent) -> None:
        """On return the record and the head are with the operating system. Raises StoreError."""
        with self._locked():
            if self._file_state() != self._known_state:
                self._catch_up()
            if self._known_state[1] >= self._largest:
                self._set_aside()
            self._write(event)

    def verify(self) -> ChainBreak | None:
        """The first record that is not as it was written; see the function of that name."""
        with self._locked():
            return verify(self.path, self._key)

    @property
    def head_at(self) -> float:
        """When the head was last written, by any process: Unix time in seconds."""
        return os.fstat(self._head).st_mtime

    def close(self) -> None:
        os.close(self._file)
        os.close(self._head)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._threads:
            fcntl.flock(self._head, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._head, fcntl.LOCK_UN)

    def _write(self, event: AuditEvent) -> None:
        mac = _mac(self._key, self._n, self._last, event)
        line = _encode(AuditRecord(self._n, event, mac)) + b"\n"
        inode, size = self._known_state
        if os.write(self._file, line) != len(line):
            os.ftruncate(self._file, size)
            raise StoreError("The audit log's disk is full.")
        self._n, self._last, self._known_state = self._n + 1, mac, (inode, size + len(line))
        os.pwrite(self._head, _head(self._key, self._n, mac), 0)

    def _file_state(self) -> tuple[int, int]:
        """(inode, bytes) of the file that is at the path now."""
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return (0, 0)
        return status.st_ino, status.st_size

    def _catch_up(self) -> None:
        """Continue after another process has written, set the file aside, or died writing."""
        os.close(self._file)
        self._file = _opened(self.path)
        torn = _cut_torn(self._file)
        last = _last(self.path)
        self._n, self._last = (last.n + 1, last.mac) if last else (0, GENESIS)
        self._known_state = self._file_state()
        missing = self._missing()
        if torn:
            replace_file(self.path.with_name(f"{self.path.name}.torn-{self._n}"), torn)
            self._write(AuditEvent(self._clock(), "torn", "", "", detail=f"{len(torn)} bytes"))
        if missing:
            self._write(AuditEvent(self._clock(), GAP, "", "", detail=missing))

    def _missing(self) -> str:
        """What the head counts and the file does not hold; "" when nothing is missing."""
        head_bytes = os.pread(self._head, TAIL, 0)
        if not head_bytes:
            return "the head is gone" if self._n else ""
        head = _parsed(head_bytes, self._key)
        if head is None:
            raise StoreError(
                f"The audit log {self.path} was written with another key, or its head is forged.",
                hint="See `shortstop audit verify`; to start a new log, move this one away.",
            )
        if head[0] > self._n or (head[0] == self._n and head[1] != self._last):
            return f"the head knows {head[0]} records, found were {self._n}"
        return ""

    def _set_aside(self) -> None:
        number = len(_set_asides(self.path)) + 1
        self.path.rename(self.path.with_name(f"{self.path.name}.{number:06}"))
        os.close(self._file)
        self._file = _opened(self.path)
        self._known_state = self._file_state()


def head_of(path: Path) -> Path:
    """The file of the signed head of the log at `path`."""
    return path.with_name(path.name + ".head")


def files(path: Path) -> list[Path]:
    """The log's files, oldest first."""
    return [*_set_asides(path), *([path] if path.exists() else [])]


def records(path: Path) -> Iterator[AuditRecord]:
    """All records, oldest first. Raises msgspec.DecodeError at a line that is not a record."""
    for part in files(path):
        with part.open("rb") as file:
            for line in file:
                yield _record(line)


def verify(path: Path, key: bytes) -> ChainBreak | None:
    """The first altered, dropped or reordered record; None when all is as it was written.

    `key` is the one the log was written with: under another every record counts as altered.
    """
    last, n = GENESIS, 0
    head = _read_head(path, key)
    macs = []
    try:
        for record in records(path):
            if record.n != n:
                how = "dropped" if record.n > n else "repeated"
                return ChainBreak(n, f"{how} or reordered")
            expected = _mac(key, n, last, record.event)
            if not hmac.compare_digest(expected, record.mac):
                return ChainBreak(n, "altered")
            if record.event.kind == GAP:
                return ChainBreak(n, f"cut short before this record: {record.event.detail}")
            last, n = record.mac, n + 1
            if head is not None and n == head[0]:
                macs.append(last)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ChainBreak(n, "unreadable")
    return _against_head(head, n, macs)


def _against_head(head: tuple[int, str] | None, n: int, macs: list[str]) -> ChainBreak | None:
    if head is None:
        return ChainBreak(n, "the signed head is missing or forged")
    count, mac = head
    if n < count:
        return ChainBreak(n, "cut short")
    if count and macs != [mac]:
        return ChainBreak(count - 1, "replaced")
    return None


def export(path: Path, key: bytes, facts: dict[str, Any]) -> dict[str, Any]:
    """The evidence bundle: the state of the chain, decisions, policy versions, and `facts`
    (providers, retention, policies) as the caller knows them. A broken log is exported up to the
    first line that cannot be read."""
    broken = verify(path, key)
    kept = list(_readable(path))
    return {
        "intact": broken is None,
        "first_break": broken,
        "records": len(kept),
        "first_at": kept[0].event.at if kept else None,
        "last_at": kept[-1].event.at if kept else None,
        "policies": sorted({r.event.policy for r in kept if r.event.policy}),
        "targets": sorted({r.event.target for r in kept if r.event.target}),
        "head": head_of(path).read_text() if head_of(path).exists() else None,
        **facts,
        "decisions": kept,
    }


def _readable(path: Path) -> Iterator[AuditRecord]:
    try:
        yield from records(path)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return


def _mac(key: bytes, n: int, last: str, event: AuditEvent) -> str:
    body = b"%d\0%b\0%b" % (n, last.encode(), _encode(event))
    return hmac.digest(key, body, "sha256").hex()


def _head(key: bytes, n: int, last: str) -> bytes:
    """Of constant length, because it overwrites the one before."""
    return f"{n:020} {last} {_head_mac(key, n, last)}\n".encode()


def _head_mac(key: bytes, n: int, last: str) -> str:
    return hmac.digest(key, f"head {n} {last}".encode(), "sha256").hex()


def _read_head(path: Path, key: bytes) -> tuple[int, str] | None:
    try:
        return _parsed(head_of(path).read_bytes(), key)
    except OSError:
        return None


def _parsed(head: bytes, key: bytes) -> tuple[int, str] | None:
    """(records, the last one's seal); None when it was not written with this key."""
    try:
        n, last, mac = head.decode("ascii").split()
        count = int(n)
    except ValueError:
        return None
    return (count, last) if hmac.compare_digest(mac, _head_mac(key, count, last)) else None


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The audit log {path} cannot be opened: {error.strerror}.",
        hint="Name a file in a folder that Shortstop may write to, under [privacy] `audit`.",
    )


def _set_asides(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.[0-9][0-9][0-9][0-9][0-9][0-9]"))


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _last(path: Path) -> AuditRecord | None:
    """The newest record, in this file or the one before. Raises StoreError."""
    for part in reversed(files(path)):
        with part.open("rb") as file:
            file.seek(max(0, part.stat().st_size - TAIL))
            lines = file.read().splitlines()
        if lines:
            try:
                return _record(lines[-1])
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise StoreError(
                    f"The end of the audit log {part} cannot be read.",
                    hint="See `shortstop audit verify`; move it away to start a new one.",
                ) from error
    return None


def _cut_torn(file: int) -> bytes:
    """Truncates the file after its last whole line. The bytes cut off."""
    size = os.fstat(file).st_size
    data = os.pread(file, TAIL, max(0, size - TAIL))
    rest = data[data.rfind(b"\n") + 1 :]
    if rest:
        os.ftruncate(file, size - len(rest))
    return rest
