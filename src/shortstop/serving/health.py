"""An upstream's failure and its recovery, said once each, however many requests see them."""

from __future__ import annotations

import logging

from shortstop.errors import TargetError
from shortstop.ports import Clock

log = logging.getLogger("shortstop")

QUIET_SECONDS = 60.0
"""An upstream that fails again within this time after it was said to fail is not said to again."""


class UpstreamHealth:
    """What is known of the model `name`, from the requests that it got."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._failing_since: float | None = None
        self._said_at: float | None = None
        self._failures = 0

    def failed(self, error: TargetError) -> None:
        self._failures += 1
        if self._failing_since is not None:
            return
        now = self._failing_since = self._clock.monotonic()
        if self._said_at is None or now - self._said_at >= QUIET_SECONDS:
            self._said_at = now
            # Not the error's text: a vendor may have quoted the prompt in it.
            log.warning("the upstream model %s fails (%s)", self._name, error.code)

    def succeeded(self) -> None:
        if self._failing_since is None:
            return
        now, since = self._clock.monotonic(), self._failing_since
        failures, self._failures, self._failing_since = self._failures, 0, None
        if self._said_at == since:
            log.warning(
                "the upstream model %s answers again, after %.0f s and %d failed calls",
                self._name, now - since, failures,
            )  # fmt: skip
