"""What has been in an examination, and never trains: fingerprints in a file that only grows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from shortstop.private_files import make_folder, replace_file

WIDTH = 16
"""Bytes of a fingerprint."""


class Frozen:
    """The fingerprints in `file`, and those that were added since. Raises OSError."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        data = file.read_bytes() if file is not None and file.exists() else b""
        whole = len(data) - len(data) % WIDTH
        self.prints = {data[i : i + WIDTH] for i in range(0, whole, WIDTH)}

    def add(self, prints: Iterable[bytes]) -> None:
        self.prints.update(prints)

    def keep(self) -> None:
        """Write them, before anything that was examined on them is believed."""
        if self._file is not None:
            make_folder(self._file.parent)
            replace_file(self._file, b"".join(sorted(self.prints)), flush=True)
