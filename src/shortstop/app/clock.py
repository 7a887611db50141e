"""The real time."""

from __future__ import annotations

import time as system


class SystemClock:
    """Implements ports.Clock."""

    time = staticmethod(system.time)
    monotonic = staticmethod(system.monotonic)


CLOCK = SystemClock()
