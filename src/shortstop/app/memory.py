"""The C library's heap: what large requests needed goes back to the system. Linux with glibc."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

M_MMAP_THRESHOLD = -3
LARGE = 1 << 18
"""Bytes from which a block gets pages of its own, which its end gives back. Left alone, glibc
raises this to 32 MB with the first block of that size, and keeps everything smaller."""
SPARE = 32_000_000
"""Bytes above the least that the process has been content with, for which nothing is done."""
FIRST, LONGEST = 4.0, 300.0
"""Seconds between two attempts: the first after growth, and where they free nothing."""


def _function(name: str) -> ctypes._FuncPointer | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return getattr(library, name, None)


def keep_large_blocks_apart() -> None:
    """Call it once, at the start."""
    mallopt = _function("mallopt")
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)


def give_back_memory() -> None:
    """Free pages inside the heap: glibc would keep them for ever. Takes milliseconds."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def resident() -> int:
    """Bytes of this process in memory; 0 where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Trimmer:
    """Called now and then, gives memory back some seconds after the process has grown."""

    def __init__(
        self,
        resident: Callable[[], int] = resident,
        trim: Callable[[], None] = give_back_memory,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resident = resident
        self._trim = trim
        self._now = now
        self._least = self._last = resident()
        self._pause = FIRST
        self._next = 0.0

    def __call__(self) -> None:
        size, now = self._resident(), self._now()
        self._least = min(self._least, size)
        if size > self._last + SPARE:
            self._last, self._pause, self._next = size, FIRST, now + FIRST
        if size < self._least + SPARE or now < self._next:
            return
        self._trim()
        self._last = self._resident()
        freed = size - self._last
        self._pause = FIRST if freed > SPARE / 4 else min(2 * self._pause, LONGEST)
        self._next = now + self._pause
