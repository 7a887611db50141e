"""One night at a time for a data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shortstop.errors import ConfigError
from shortstop.private_files import make_folder

LONGEST = 200
"""Bytes of what a night says about itself."""


@contextmanager
def sole_night(folder: Path, about: str) -> Iterator[None]:
    """Nobody else learns in this folder until the block is left, or the process dies. `about` tells
    whom others are refused for. Raises ConfigError where somebody does, OSError."""
    make_folder(folder)
    lock = os.open(folder / "night.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(lock, LONGEST, 0).decode("utf-8", "replace")
            raise ConfigError(
                f"Another night is at work{': ' if who else ''}{who}.",
                hint="Wait for its end: it learns from the same traffic.",
            ) from None
        with suppress(OSError):  # a full disk: the lock is held all the same
            os.ftruncate(lock, 0)
            os.pwrite(lock, about.encode("utf-8", "replace")[:LONGEST], 0)
        yield
    finally:
        os.close(lock)
