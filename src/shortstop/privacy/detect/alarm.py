"""A time limit on detectors that also stops one that never looks at the clock."""

from __future__ import annotations

import atexit
import signal
import threading
import time
from types import FrameType


class _AlarmClock:
    """The process's one alarm clock. Setting the kernel's timer costs more than reading a short
    request, so a running timer is left alone: when it rings too early, it is set for the rest."""

    def __init__(self) -> None:
        self.until: float | None = None
        self._rings_at = float("inf")
        self._handler_set = False

    def start(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        if self._rings_at > self.until:
            self._set(seconds)

    def _set(self, seconds: float) -> None:
        if not self._handler_set:
            signal.signal(signal.SIGALRM, self._ring)
            # The interpreter drops handlers on its way out: a timer that rings then kills it.
            atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)
            self._handler_set = True
        self._rings_at = time.monotonic() + seconds
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        self._rings_at = float("inf")
        if self.until is None:
            return
        left = self.until - time.monotonic()
        if left > 0:
            self._set(left)
        else:
            raise TimeoutError("the detectors hang")


_CLOCK = _AlarmClock()


class alarm:
    """Raises TimeoutError in its block after `seconds`. Blocks must not be nested.

    Works in the main thread only, where a hanging detector would stop the event loop; in another
    thread it does nothing, because whoever waits for that thread can stop waiting.
    """

    __slots__ = ("_active", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._active = threading.get_ident() == threading.main_thread().ident

    def __enter__(self) -> None:
        if self._active:
            _CLOCK.start(self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._active:
            _CLOCK.until = None
