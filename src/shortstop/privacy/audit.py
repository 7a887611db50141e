"""The audit log: append-only lines, each sealed together with everything before it.

A record carries an HMAC over itself and its predecessor's; beside the log stands a signed head that
says how many there are, so that a cut-off end is found as well. Values never enter it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

GENESIS = "0" * 64
HEAD_EVERY = 64
"""Records between two written heads while the log is open; the last is written on close."""


class Event(Struct, frozen=True):
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


class Record(Struct, frozen=True):
    n: int
    event: Event
    mac: str


class Break(Struct, frozen=True):
    """The first place where the log is not what was written. `n` counts from 0."""

    n: int
    what: str


class AuditLog:
    """Appends to `path`. One writer; the file is not held in memory."""

    def __init__(self, path: Path, key: bytes, head_every: int = HEAD_EVERY) -> None:
        self.path, self._key, self._every = path, key, head_every
        path.parent.mkdir(parents=True, exist_ok=True)
        self._n, self._last = _end(path)
        self._file: BinaryIO = path.open("ab", buffering=0)
        os.chmod(path, 0o600)

    def append(self, event: Event) -> None:
        """On return the record is with the operating system."""
        self._last = _mac(self._key, self._n, self._last, event)
        self._file.write(msgspec.json.encode(Record(self._n, event, self._last)) + b"\n")
        self._n += 1
        if self._n % self._every == 0:
            self.write_head()

    def write_head(self) -> None:
        """Sign the present length. Copy this file elsewhere to notice a log that was cut short."""
        fresh = head_of(self.path).with_suffix(".new")
        fresh.write_bytes(_head(self._key, self._n, self._last))
        fresh.replace(head_of(self.path))

    def close(self) -> None:
        self.write_head()
        self._file.close()


def head_of(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def records(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for line in file:
            yield msgspec.json.decode(line, type=Record)


def verify(path: Path, key: bytes) -> Break | None:
    """The first altered, dropped or reordered record; None when all is as it was written."""
    last, n = GENESIS, 0
    head = _read_head(path, key)
    macs = []
    try:
        for record in records(path):
            if record.n != n:
                return Break(n, "dropped or reordered" if record.n > n else "repeated or reordered")
            expected = _mac(key, n, last, record.event)
            if not hmac.compare_digest(expected, record.mac):
                return Break(n, "altered")
            last, n = record.mac, n + 1
            if head is not None and n == head[0]:
                macs.append(last)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Break(n, "unreadable")
    return _against_head(head, n, macs)


def _against_head(head: tuple[int, str] | None, n: int, macs: list[str]) -> Break | None:
    if head is None:
        return Break(n, "the signed head is missing or forged")
    count, mac = head
    if n < count:
        return Break(n, "cut short")
    if count and macs != [mac]:
        return Break(count - 1, "replaced")
    return None


def export(
    path: Path, key: bytes, facts: dict[str, Any], count: Callable[[Record], bool] = lambda r: True
) -> dict[str, Any]:
    """The evidence bundle: the state of the chain, decisions, policy versions, and `facts`
    (providers, retention, policies) as the caller knows them."""
    kept = [r for r in records(path) if count(r)]
    found = verify(path, key)
    return {
        "intact": found is None,
        "first_break": found,
        "records": len(kept),
        "first_at": kept[0].event.at if kept else None,
        "last_at": kept[-1].event.at if kept else None,
        "policies": sorted({r.event.policy for r in kept if r.event.policy}),
        "targets": sorted({r.event.target for r in kept if r.event.target}),
        "head": head_of(path).read_text() if head_of(path).exists() else None,
        **facts,
        "decisions": kept,
    }


def _mac(key: bytes, n: int, last: str, event: Event) -> str:
    body = b"%d\0%b\0%b" % (n, last.encode(), msgspec.json.encode(event))
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def _head(key: bytes, n: int, last: str) -> bytes:
    return f"{n} {last} {_head_mac(key, n, last)}\n".encode()


def _head_mac(key: bytes, n: int, last: str) -> str:
    return hmac.new(key, f"head {n} {last}".encode(), hashlib.sha256).hexdigest()


def _read_head(path: Path, key: bytes) -> tuple[int, str] | None:
    try:
        n, last, mac = head_of(path).read_text().split()
    except (OSError, ValueError):
        return None
    if not n.isdigit() or not hmac.compare_digest(mac, _head_mac(key, int(n), last)):
        return None
    return int(n), last


def _end(path: Path) -> tuple[int, str]:
    n, last = 0, GENESIS
    if path.exists():
        for record in records(path):
            n, last = record.n + 1, record.mac
    return n, last
