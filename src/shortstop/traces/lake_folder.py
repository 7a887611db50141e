"""A lake's files in a folder, which machines may share.

Who adds a file holds the folder's lock shared, who erases or deletes has it alone: drafts that it
finds then are those of the dead.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from shortstop.private_files import FILE, make_folder, replace_file

_LOCK = ".lock"


class LakeFolder:
    """Implements lake_files.LakeFiles. It is not made: a store that is not mounted would be written
    to the disk beneath it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def add(self, name: str, data: bytes) -> None:
        day = (self._folder / name).parent
        with self._locked(fcntl.LOCK_SH):
            if not day.is_dir():
                make_folder(day)
                _flush(self._folder)
            self.replace(name, data)

    def replace(self, name: str, data: bytes) -> None:
        path = self._folder / name
        replace_file(path, data, flush=True)
        _flush(path.parent)

    def delete(self, name: str) -> None:
        path = self._folder / name
        path.unlink(missing_ok=True)
        _flush(path.parent)

    def delete_before(self, day: str) -> None:
        with self.alone():
            for folder in self._folder.glob("day=*"):
                if folder.name < day:
                    shutil.rmtree(folder)

    def of_day(self, day: str) -> list[str]:
        """Without what the dead have left behind."""
        folder = self._folder / day
        for draft in folder.glob(".*.tmp"):
            draft.unlink()
        return sorted(f"{day}/{path.name}" for path in folder.glob("*.parquet"))

    def all(self) -> Iterator[str]:
        self._require()
        paths = sorted(self._folder.glob("day=*/*.parquet"))
        return (str(path.relative_to(self._folder)) for path in paths)

    def alone(self) -> AbstractContextManager[None]:
        return self._locked(fcntl.LOCK_EX)

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def version(self, name: str) -> Hashable:
        status = (self._folder / name).stat()
        return status.st_ino, status.st_mtime_ns

    def open(self, name: str) -> Path:
        return self._folder / name

    def check(self) -> None:
        with self._locked(fcntl.LOCK_SH):
            pass

    def _require(self) -> None:
        if not self._folder.is_dir():
            raise FileNotFoundError(f"there is no folder {self._folder}")

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        self._require()
        fd = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE)
        try:
            fcntl.flock(fd, how)
            yield
        finally:
            os.close(fd)


def _flush(folder: Path) -> None:
    """The names in a folder outlive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
