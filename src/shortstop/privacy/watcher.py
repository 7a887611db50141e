"""What privacy reports while it works, for metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from shortstop.types import Clearance


class Watcher(Protocol):
    """Counts what privacy does. Never sees a value."""

    def judged(self, clearance: Clearance, seconds: float) -> None:
        """A verdict and how long it took."""

    def stood_in(self, labels: Iterable[str]) -> None:
        """The label of every value that leaves as a stand-in."""

    def missed(self) -> None:
        """An answer holds a stand-in that cannot be turned back."""
