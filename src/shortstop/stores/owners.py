"""Who of those that share a data folder is alive: each holds the lock of a file of its own.

A process id says nothing: in a container the next process has the same one, and another container's
are not ours. A lock ends with its process, however that ends, and is seen by everybody on the
machine that sees the folder.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path


class Owner:
    """One who owns things in the stores: from its first `name` until `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = ""
        self._lock: int | None = None

    @property
    def name(self) -> str:
        """A random name that nobody has had. Raises OSError where it cannot be locked."""
        if self._lock is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            self._name, self._lock = self._claimed()
        return self._name

    def lives(self, name: str) -> bool:
        """Whether the owner of that name can still finish what it has begun. Raises OSError where
        locks do not work."""
        return name != "" and (name == self._name or not _free(self._folder / name))

    def close(self) -> None:
        """What is still owned is nobody's from now on."""
        if self._lock is not None:
            (self._folder / self._name).unlink(missing_ok=True)
            os.close(self._lock)
            self._name, self._lock = "", None

    def _claimed(self) -> tuple[str, int]:
        while True:
            name = secrets.token_hex(8)
            lock = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if os.fstat(lock).st_nlink:  # nobody has swept it away before it was locked
                    return name, lock
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)

    def _sweep(self) -> None:
        """Remove what the dead have left."""
        for path in self._folder.iterdir():
            _free(path)


def _free(path: Path) -> bool:
    """Whether nobody holds the file's lock. Removes it then."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(FileNotFoundError):
            path.unlink()
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(file)
