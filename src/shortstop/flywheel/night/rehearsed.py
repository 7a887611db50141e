"""The answers of specialists to the rows that they have learned from (`crossfit`), sealed in the
workshop, by task, until these answer traffic."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import msgspec

from shortstop.errors import StoreError
from shortstop.flywheel.crossfit import Answers
from shortstop.private_files import make_folder, replace_file
from shortstop.traces.seal import Seal, locked, unlocked

SUFFIX = ".held-out"


class Rehearsed:
    """Those in a task's `folder`. Methods raise OSError, and StoreError where a file cannot be
    opened."""

    def __init__(self, folder: Path, seal: Seal | None = None) -> None:
        self._folder = folder
        self._seal = seal

    def read(self, name: str) -> Answers:
        """Those of the specialist `name`; none where nothing is kept."""
        file = self._file(name)
        if not file.exists():
            return {}
        data = unlocked(self._seal, file.read_bytes(), name)
        try:
            return msgspec.json.decode(data, type=dict[str, str | None])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreError(f"{file.name} is damaged: {error}") from error

    def write(self, name: str, answers: Answers) -> None:
        make_folder(self._folder)
        data = msgspec.json.encode(dict(answers))
        replace_file(self._file(name), locked(self._seal, data, name), flush=True)

    def keep(self, names: Container[str]) -> None:
        """Remove those of all others."""
        for file in self._folder.glob(f"*{SUFFIX}"):
            if file.name.removesuffix(SUFFIX) not in names:
                file.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{Path(name).name}{SUFFIX}"
