"""Where alerts lie until they are told, and who tells them: a machine alone, or one of several."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import replace

from shortstop.app.leadership import Leadership
from shortstop.errors import NotLeading
from shortstop.private_files import replace_file
from shortstop.types.alerts import AlertKind, Trouble, Watched

NOTE = "alerts"
FRESH_SECONDS = 60.0
"""What a machine has seen counts for so long."""
OF_A_MACHINE: frozenset[AlertKind] = frozenset({"disk", "audit"})
"""What another machine may have as well, and what is told of each."""

_decode = msgspec.json.Decoder(Watched).decode


class AlertPlace(Protocol):
    """Each call may wait for a disk or a database. Raises OSError, and StoreError."""

    name: str

    def load(self) -> bytes | None:
        """The book as it was saved last."""

    def save(self, data: bytes) -> None: ...

    def gather(self, watched: Watched) -> Watched | None:
        """What is to be told, given what this machine has seen; None: another machine tells."""

    def changed_hands(self) -> bool:
        """Whether another machine may have written the book since the last call."""


class OwnAlerts:
    """A file of this machine's."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.name = str(file)

    def load(self) -> bytes | None:
        try:
            return self._file.read_bytes()
        except FileNotFoundError:
            return None

    def save(self, data: bytes) -> None:
        replace_file(self._file, data, flush=True)

    def gather(self, watched: Watched) -> Watched | None:
        return watched

    def changed_hands(self) -> bool:
        return False


class SharedAlerts:
    """In the store of several machines. Each reports what it sees; the one that leads tells it.
    `machine` is its name for people."""

    def __init__(self, leadership: Leadership, machine: str = "") -> None:
        self._leadership = leadership
        self._machine = machine or os.uname().nodename
        self._term: int | None = None
        self.name = "the alerts in the shared store"

    def load(self) -> bytes | None:
        return self._leadership.store.note(NOTE)

    def save(self, data: bytes) -> None:
        """Raises NotLeading, too."""
        if self._term is None:
            raise NotLeading("This machine does not lead.")
        self._leadership.store.write_note(self._term, NOTE, data)

    def gather(self, watched: Watched) -> Watched | None:
        store, own = self._leadership.store, _named(watched, self._machine)
        store.report(self._leadership.holder, msgspec.json.encode(own))
        if not self._leadership.confirmed():
            return None
        return _together([_decode(report) for report in store.reports(FRESH_SECONDS)])

    def changed_hands(self) -> bool:
        before, self._term = self._term, self._leadership.term
        return self._term != before


def _named(watched: Watched, machine: str) -> Watched:
    """With the machine's name, where it matters which one it is."""
    return replace(watched, troubles=tuple(_on(one, machine) for one in watched.troubles))


def _on(trouble: Trouble, machine: str) -> Trouble:
    if trouble.kind not in OF_A_MACHINE:
        return trouble
    return replace(trouble, key=f"{trouble.key}@{machine}", says=f"{machine}: {trouble.says}")


def _together(reports: list[Watched]) -> Watched:
    """What any of them sees, and what one of them does not know unless another one sees it."""
    troubles = {one.key: one for report in reports for one in report.troubles}
    unknown = frozenset().union(*(report.unknown for report in reports))
    return Watched(tuple(troubles.values()), unknown - troubles.keys())
