"""A model's failure and its recovery, said once each, however many requests see them."""

from __future__ import annotations

import logging
from types import TracebackType

from shortstop.errors import Declined, EngineBusy, TargetError
from shortstop.faults import contained
from shortstop.ports import Clock

log = logging.getLogger("shortstop")

QUIET_SECONDS = 60.0
"""A model that fails again within this time after it was said to fail is not said to again."""


DOWN_FAILURES, DOWN_SECONDS = 3, 15.0
"""A model that failed so often in a row, the last time so lately, is taken to be down."""


class TargetHealth:
    """What is known of the model `name`, from the requests that it got. As a context it watches one
    call; leaving with an error that says nothing about the model changes nothing."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._failing_since: float | None = None
        self._said_at: float | None = None
        self._failed_at = 0.0
        self._failures = 0
        self._tried = False

    @property
    def broken(self) -> bool | None:
        """Whether it failed `DOWN_FAILURES` times in a row and has not answered since; None before
        the first outcome."""
        return self._failures >= DOWN_FAILURES if self._tried else None

    @property
    def down(self) -> bool:
        """Whether there is no point in expecting an answer just now."""
        if self._failures < DOWN_FAILURES:
            return False
        return self._clock.monotonic() - self._failed_at < DOWN_SECONDS

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with contained("noting a model's health"):
            if error is None:
                self.succeeded()
            elif isinstance(error, TargetError) and _blames(error):
                self.failed(error)

    def failed(self, error: TargetError) -> None:
        self._failures, self._tried = self._failures + 1, True
        now = self._failed_at = self._clock.monotonic()
        if self._failing_since is not None:
            return
        self._failing_since = now
        if self._said_at is None or now - self._said_at >= QUIET_SECONDS:
            self._said_at = now
            # Not the error's text: a vendor may have quoted the prompt in it.
            log.warning("the model %s fails (%s)", self._name, error.code)

    def succeeded(self) -> None:
        self._tried = True
        if self._failing_since is None:
            return
        now, since = self._clock.monotonic(), self._failing_since
        failures, self._failures, self._failing_since = self._failures, 0, None
        if self._said_at == since:
            log.warning(
                "the model %s answers again, after %.0f s and %d failed calls",
                self._name, now - since, failures,
            )  # fmt: skip


def _blames(error: TargetError) -> bool:
    """Whether the error is about the model, and not about the request or the queue before it."""
    return error.status >= 500 and not isinstance(error, EngineBusy | Declined)
