"""Request ids: `req_`, twelve hex digits of milliseconds, twenty random ones.

They increase with time, so that an index over them grows at its end (as with RFC 9562's UUIDv7).
"""

from __future__ import annotations

import os
import time

POOL_BYTES = 4096
"""Fetched at once: asking the kernel for ten bytes costs as much as for all of these."""
RANDOM_BYTES = 10


class Ids:
    """Generates ids. Not to be shared by forked processes: a copy repeats the same ids."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def __call__(self) -> str:
        start = self._used
        if start + RANDOM_BYTES > len(self._pool):
            self._pool, start = os.urandom(POOL_BYTES), 0
        self._used = start + RANDOM_BYTES
        random = self._pool[start : self._used].hex()
        return f"req_{time.time_ns() // 1_000_000:012x}{random}"
