"""Works batches off for as long as the process lives: several at a time, whose lines take turns."""

from __future__ import annotations

import asyncio
import logging

from shortstop.batches.batch import Batch
from shortstop.batches.job import LOOK_SECONDS, BatchJob, Means, stopped
from shortstop.errors import Overloaded, ShortstopError, StoreError
from shortstop.fair import FairGate, NoPlace

log = logging.getLogger(__name__)

MOST_AT_ONCE = 16
"""Batches that one process works on."""
REST_SECONDS = 30.0
"""After which a batch is tried again that could not be written."""
DAY = 86_400.0


class Runner:
    """Of one process. Of several, each takes what nobody alive works on."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def running(self) -> int:
        """Batches that this process works on."""
        return len(self._running)

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                self._means.gate.places = self._means.settings().batches.concurrency
                await self.look()
                await self._means.pause(LOOK_SECONDS)
        finally:
            await stopped(*self._running.values())

    async def look(self) -> None:
        """Begin what waits for somebody."""
        while len(self._running) < MOST_AT_ONCE and (batch := await self._claimed()) is not None:
            self._running[batch.id] = asyncio.create_task(self._kept_at(batch))

    async def _claimed(self) -> Batch | None:
        try:
            return await self._means.aside(self._means.batches.claim)
        except StoreError as error:
            log.warning("batches cannot be looked for: %s", error)
            return None

    async def _kept_at(self, batch: Batch) -> None:
        """What cannot be written is tried again later: nobody forgets an answer meanwhile."""
        try:
            await BatchJob(batch, self._means).work()
            log.info("batch %s: done", batch.id)
        except StoreError as error:
            log.warning("batch %s rests: %s", batch.id, error)
            await self._given_back(batch)
        except Exception as error:  # its text may hold a line: one batch stops no other
            log.error("batch %s rests: %s", batch.id, type(error).__name__)
            await self._given_back(batch)
        finally:
            del self._running[batch.id]

    async def _given_back(self, batch: Batch) -> None:
        await self._means.pause(REST_SECONDS)
        try:
            await self._means.aside(self._means.batches.release, batch.id)
        except StoreError as error:
            log.warning("batch %s stays with this process until it ends: %s", batch.id, error)


def line_gate() -> FairGate:
    """Places for lines, by turns of tenants and keys."""
    return FairGate(1, 1 << 20, DAY, _no_turn)


def _no_turn(why: NoPlace) -> ShortstopError:
    return Overloaded("Too many lines of batches wait for their turn.", retry_after=60.0)
