"""Beside the street: who is placed is followed, and who loses quality is taken out of traffic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from shortstop.app.clock import CLOCK
from shortstop.app.resources import Resources
from shortstop.faults import contained
from shortstop.types import Target

log = logging.getLogger("shortstop")

WATCH_SECONDS = 0.25
BY_ALARM = "The contract's alarm stands:"
"""How the reason of a rollback begins that nobody made by hand."""


class Staffed(Protocol):
    """The gateway, as far as specialists go."""

    def alarmed(self) -> Iterable[tuple[Target, str]]:
        """Those whose contract's alarm stands, each with its task."""

    async def restaff(self) -> None:
        """Go on with those that are placed now."""


async def keep_staff(resources: Resources, gateway: Staffed) -> None:
    """For ever."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        with contained("following the specialists"):
            await look_after(resources, gateway)


async def look_after(resources: Resources, gateway: Staffed) -> None:
    """Once: roll back by alarm, then follow what has changed."""
    if resources.exchange is not None:
        resources.exchange.catch_up()
    for target, task in gateway.alarmed():
        await asyncio.to_thread(_roll_back, resources, target, task)
    if resources.specialists.changed:
        await gateway.restaff()


def _roll_back(resources: Resources, target: Target, task: str) -> None:
    placements = resources.specialists.placements
    placed = placements.find(target.name)
    if placed is None or placed.state not in ("canary", "live"):
        return  # another worker was faster
    why = f"{BY_ALARM} its answers to {task!r} lose more than was promised."
    restored = placements.roll_back(target.name, CLOCK.time(), why)
    resources.metrics.rolled_back(target.name)
    then = "the frontier answers" if restored is None else f"{restored.name} answers again"
    log.warning("the specialist %s was rolled back: %s Now %s.", target.name, why, then)
