"""What is done now and then beside the street: what has had its time is deleted, off the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from shortstop.app.resources import Resources
from shortstop.errors import StoreError

log = logging.getLogger("shortstop")

SWEEP_SECONDS = 60.0


async def keep_house(resources: Resources, runs: Callable[[], int]) -> None:
    """For ever; `runs` forgets those that are over. Rows of traces are their writer's business.
    What machines share is swept by the one that leads."""
    await _tried(resources.responses.seal_earlier, "stored responses are not sealed yet")
    shared = (
        (resources.accounts.answers.sweep, "kept answers stay longer"),
        (resources.responses.sweep, "stored responses stay longer"),
        (runs, "runs that are over stay longer"),
    )
    while True:
        await _tried(resources.batching.batches.sweep, "files and batches stay longer")
        await _tried(resources.vault.sweep, "surrogates stay longer")
        if await asyncio.to_thread(resources.leads):
            for sweep, otherwise in shared:
                await _tried(sweep, otherwise)
        await asyncio.sleep(SWEEP_SECONDS)


async def _tried(work: Callable[[], int], otherwise: str) -> None:
    """In a thread: a store may have to wait for its file."""
    try:
        await asyncio.to_thread(work)
    except StoreError as error:
        log.warning("%s: %s", otherwise, error)
