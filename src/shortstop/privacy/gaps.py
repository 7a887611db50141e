"""The gaps that an audit log reports of itself, followed while it is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from shortstop.privacy.audit import GAP, AuditRecord, files

NEWEST_FILES = 2
"""Of the log's files those that are read: the last one, and the one that was set aside before."""
MOST = 100
_record = msgspec.json.Decoder(AuditRecord).decode
_WORD = b'"gap"'


class Gaps:
    """Of the log at `path`. What was read is not read again, unless it is there no longer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: dict[int, tuple[int, bytes]] = {}
        """By the file's number: how many bytes, and the last line of them."""
        self._found: dict[str, AuditRecord] = {}

    def newest(self) -> list[AuditRecord]:
        """At most `MOST`, oldest first. Raises OSError."""
        for part in files(self.path)[-NEWEST_FILES:]:
            with part.open("rb") as file:
                self._follow(file)
        for mac in list(self._found)[:-MOST]:
            del self._found[mac]
        return list(self._found.values())

    def _follow(self, file: BinaryIO) -> None:
        number = os.fstat(file.fileno()).st_ino
        size, last = self._read.get(number, (0, b""))
        file.seek(size - len(last))
        if file.read(len(last)) != last:  # cut off, and written on
            size, last = 0, b""
            file.seek(0)
        for line in file:
            if not line.endswith(b"\n"):
                break  # it is being written
            size, last = size + len(line), line
            if _WORD in line:
                self._note(line)
        self._read[number] = size, last

    def _note(self, line: bytes) -> None:
        try:
            record = _record(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # `shortstop audit verify` says so
        if record.event.kind == GAP:
            self._found.setdefault(record.mac, record)
