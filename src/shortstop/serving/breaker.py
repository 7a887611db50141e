"""Circuit breaker: leave a target alone that keeps failing, and probe it now and then."""

from __future__ import annotations

from shortstop.ports import Clock


class Breaker:
    """Opens after `failures` in a row; after `seconds` lets one probe through.

    Closed: all pass. Open: none pass. Half-open: one probe passes; its outcome closes the
    breaker or opens it again.
    """

    def __init__(self, failures: int, seconds: float, clock: Clock) -> None:
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._opened: float | None = None
        self._probing = False
        self._tried = False

    @property
    def broken(self) -> bool | None:
        """Whether it has opened and nothing was answered since; None before the first outcome."""
        return self._opened is not None if self._tried else None

    @property
    def open_for(self) -> float:
        """Seconds until a probe may pass; 0 when a request may pass now."""
        if self._opened is None:
            return 0.0
        if self._probing:
            return self._seconds
        return max(0.0, self._opened + self._seconds - self._clock.monotonic())

    def allow(self) -> bool:
        """Whether a request may pass now; an allowed request must report its outcome."""
        if self.open_for > 0:
            return False
        self._probing = self._opened is not None
        return True

    def succeeded(self) -> None:
        """An allowed request was answered: close."""
        self._failures, self._opened, self._probing = 0, None, False
        self._tried = True

    def failed(self) -> None:
        """An allowed request failed: open after enough in a row, or after a failed probe."""
        self._tried = True
        self._failures += 1
        if self._probing or self._failures >= self._limit:
            self._opened = self._clock.monotonic()
        self._probing = False

    def abandoned(self) -> None:
        """An allowed request was cancelled, which says nothing about the target."""
        self._probing = False
