"""A line's place among those that are under way, left while it waits for a vendor."""

from __future__ import annotations

import asyncio

from shortstop.fair import FairGate
from shortstop.types import Party


class LineSeat:
    """`reading` are the places of one batch's lines that are read, `gate` those of all batches."""

    def __init__(self, gate: FairGate, party: Party, reading: asyncio.Semaphore) -> None:
        self._gate = gate
        self._party = party
        self._reading = reading
        self._reads = True
        self.held = False
        self.waits = False
        """For a vendor: then the line has no place."""

    async def take(self) -> None:
        """In turn."""
        await self._gate.enter(self._party)
        self.held = True

    def leave(self) -> None:
        """While others wait for it. Nothing happens to one that is left."""
        if self.held:
            self.held = False
            self._gate.leave(self._party)

    def read_on(self) -> None:
        """The next line may be read."""
        if self._reads:
            self._reads = False
            self._reading.release()
