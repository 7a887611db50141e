"""The real time."""

from __future__ import annotations

import time


class SystemClock:
    """Implements ports.Clock."""

    @staticmethod
    def time() -> float:
        return time.time()

    @staticmethod
    def monotonic() -> float:
        return time.monotonic()


CLOCK = SystemClock()
