"""Request ids: `req_`, twelve hex digits of milliseconds, twenty drawn at random.

They grow with time, so that an index over them grows at its end (as RFC 9562 does for UUIDv7).
"""

from __future__ import annotations

import os
import time

POOL = 4096
"""Random bytes drawn at once: asking the kernel for ten costs as much as for all of these."""
DRAWN = 10


class Ids:
    """Makes ids. Each process needs one of its own: a copied one would repeat itself."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def __call__(self) -> str:
        start = self._used
        if start + DRAWN > len(self._pool):
            self._pool, start = os.urandom(POOL), 0
        self._used = start + DRAWN
        drawn = self._pool[start : self._used].hex()
        return f"req_{time.time_ns() // 1_000_000:012x}{drawn}"
