"""The forwarders of the batches that this process works on, by their ids."""

from __future__ import annotations

from shortstop.batches.forwarder import Forwarder
from shortstop.types import Cleared
from shortstop.types.batches import LinePlace, VendorResult


class Forwarders:
    """Implements ports.forwarding.Forwarding."""

    def __init__(self) -> None:
        self._of: dict[str, Forwarder] = {}

    def add(self, batch: str, one: Forwarder) -> None:
        self._of[batch] = one

    def drop(self, batch: str) -> None:
        self._of.pop(batch, None)

    async def answered(self, place: LinePlace, cleared: Cleared) -> VendorResult | None:
        one = self._of.get(place.batch)
        return None if one is None else await one.answered(place.number, cleared)
