"""A limit on what a detector may take, also for one that never looks at the clock."""

from __future__ import annotations

import signal
import threading
from functools import cache
from types import FrameType


class alarm:
    """Raises TimeoutError in its block when that takes longer.

    Only in the main thread, where the event loop would stand still: another thread can be left
    behind by whoever waits for it. Entered for every request, so that the handler is put in place
    once and stays: the timer alone is set and stopped.
    """

    __slots__ = ("_seconds", "_set")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._set = threading.get_ident() == threading.main_thread().ident

    def __enter__(self) -> None:
        if self._set:
            _answer()
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._set:
            signal.setitimer(signal.ITIMER_REAL, 0)


@cache
def _answer() -> None:
    signal.signal(signal.SIGALRM, _ring)


def _ring(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError("the detectors hang")
