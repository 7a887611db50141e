"""What was measured once and is remembered, in one small file."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from shortstop.private_files import replace_file

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MeasuredFile(Generic[T]):
    """Values of `kind` by what they hold for. A file that cannot be read or written costs another
    measurement, no start; `noun` names its values in the log."""

    path: Path
    kind: type[T]
    noun: str

    def find(self, key: str) -> T | None:
        return self._read().get(key)

    def keep(self, key: str, value: T) -> None:
        book = self._read() | {key: value}
        try:
            replace_file(self.path, msgspec.json.format(msgspec.json.encode(book)))
        except OSError as error:
            log.warning("%s could not be kept: %s", self.noun, error.strerror)

    def _read(self) -> dict[str, T]:
        kinds: type[dict[str, T]] = dict[str, self.kind]  # type: ignore[name-defined]
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=kinds)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}
