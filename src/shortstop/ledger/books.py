"""Attempts -> Bill. Pure arithmetic; the price sheet is read once, the clock is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shortstop.config import Config
from shortstop.ports import Clock
from shortstop.types import Attempt, Bill, Request, Target


class Books:
    """The Accountant. One per configuration: prices are resolved once for each target."""

    def __init__(
        self, targets: Mapping[str, Target], config: Config, clock: Clock | None = None
    ) -> None:
        self._targets = targets
        self._config = config
        self._clock = clock

    def bill(self, request: Request, attempts: Iterable[Attempt]) -> Bill:
        """Never raises: what cannot be priced leaves `cost` None and is named in `unpriced`."""
        raise NotImplementedError
