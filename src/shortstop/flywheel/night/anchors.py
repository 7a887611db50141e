"""Examples that no specialist may fail: sealed in the workshop, by task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from shortstop.errors import StoreError
from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import fingerprint
from shortstop.private_files import make_folder, replace_file
from shortstop.traces.seal import Seal, locked, unlocked

FILE = "anchors.bin"


class Anchors:
    """Those in a task's `folder`. Raises StoreError where they cannot be opened, OSError."""

    def __init__(self, folder: Path, seal: Seal | None) -> None:
        self._file = folder / FILE
        self._seal = seal

    def read(self) -> list[Example]:
        if not self._file.exists():
            return []
        data = unlocked(self._seal, self._file.read_bytes(), FILE)
        try:
            return msgspec.json.decode(data, type=list[Example])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreError(
                f"The anchors in {self._file} are damaged: {error}.",
                hint="Move the file away and keep them anew with `shortstop learn --anchor`.",
            ) from error

    def add(self, examples: Sequence[Example]) -> int:
        """One for each text, the newest; how many there are now."""
        known = {fingerprint(example): example for example in (*self.read(), *examples)}
        make_folder(self._file.parent)
        data = msgspec.json.encode(list(known.values()))
        replace_file(self._file, locked(self._seal, data, FILE), flush=True)
        return len(known)
