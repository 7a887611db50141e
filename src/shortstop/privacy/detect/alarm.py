"""A limit on what a detector may take, also for one that never looks at the clock."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType


class _Clock:
    """The process's one alarm clock. Setting the kernel's timer costs more than reading a request,
    so it is left to run: when it rings too early, it is set for the rest."""

    def __init__(self) -> None:
        self.until: float | None = None
        self._rings = float("inf")
        self._answered = False

    def start(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        if self._rings > self.until:
            self._set(seconds)

    def _set(self, seconds: float) -> None:
        if not self._answered:
            signal.signal(signal.SIGALRM, self._ring)
            self._answered = True
        self._rings = time.monotonic() + seconds
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        self._rings = float("inf")
        if self.until is None:
            return
        left = self.until - time.monotonic()
        if left > 0:
            self._set(left)
        else:
            raise TimeoutError("the detectors hang")


_CLOCK = _Clock()


class alarm:
    """Raises TimeoutError in its block when that takes longer. Blocks do not nest.

    Only in the main thread, where the event loop would stand still: another thread can be left
    behind by whoever waits for it.
    """

    __slots__ = ("_seconds", "_set")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._set = threading.get_ident() == threading.main_thread().ident

    def __enter__(self) -> None:
        if self._set:
            _CLOCK.start(self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._set:
            _CLOCK.until = None
