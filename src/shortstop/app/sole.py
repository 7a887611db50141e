"""One gateway for a data folder: two would overwrite what the other has learned and counted."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from shortstop.app.clock import CLOCK
from shortstop.errors import ConfigError
from shortstop.stores import Paths

LONGEST = 200
"""Bytes of what a gateway says about itself."""


@contextmanager
def sole_gateway(paths: Paths, about: str) -> Iterator[None]:
    """Nobody else serves from this data folder until the block is left, or the process dies.

    `about` tells whom others are refused for. Raises ConfigError when somebody else does.
    """
    lock = _opened(paths)
    try:
        _claim(lock, paths)
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(CLOCK.time()))
        said = f"process {os.getpid()}, {about}, since {since}"
        with suppress(OSError):  # a full disk: the lock is held all the same
            os.ftruncate(lock, 0)
            os.pwrite(lock, said.encode("utf-8", "replace")[:LONGEST], 0)
        yield
    finally:
        os.close(lock)


def _opened(paths: Paths) -> int:
    try:
        paths.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(paths.run_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"The data folder {paths.home} cannot be written to: {error.strerror}.",
            hint="Make it writable, or name another with `data_dir` or $SHORTSTOP_HOME.",
        ) from error


def _claim(lock: int, paths: Paths) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.pread(lock, LONGEST, 0).decode("utf-8", "replace")
        raise ConfigError(
            f"Another gateway uses the data folder {paths.home}"
            f"{': ' if who else ''}{who}. It may still be finishing its requests.",
            hint="Stop it and wait for its end, or give this one its own `data_dir`.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"The data folder {paths.home} cannot be locked: {error.strerror}.",
            hint="Network disks often know no locks: name a `data_dir` on a disk of this machine.",
        ) from error
