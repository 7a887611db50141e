"""Nights that `serve` starts, and the looks between them: child processes that give way to the
street."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from shortstop.app.clock import CLOCK
from shortstop.config import Config
from shortstop.ports import Clock

log = logging.getLogger("shortstop")

OFF = "off"
LOOK_SECONDS = 30.0
DAY = 86_400.0
LONGEST = 300
"""Characters of what a night said last that are logged."""


def next_night(nightly: str, after: float) -> float | None:
    """When the next night ("HH:MM", UTC) begins after `after`, in Unix seconds; None: never."""
    if nightly == OFF:
        return None
    hours, _, minutes = nightly.partition(":")
    at = after - after % DAY + 3600 * int(hours) + 60 * int(minutes)
    return at if at > after else at + DAY


def next_look(nightly: str, looks: int, after: float) -> float | None:
    """When the next of so many `looks` between two nights is due, which part the day evenly."""
    night = next_night(nightly, after)
    if night is None or not looks:
        return None
    apart = DAY / (looks + 1)
    first = night - DAY + apart
    times = [first + apart * number for number in range(looks)]
    return min([at for at in times if at > after], default=night + apart)


Claim = Callable[[str, float], Awaitable[bool]]
"""The job, and when it was due in Unix seconds."""


async def _nobody_else(job: str, due: float) -> bool:
    return True


async def keep_nights(
    config: Callable[[], Config],
    path: Path | None,
    env: Mapping[str, str],
    clock: Clock = CLOCK,
    claim: Claim = _nobody_else,
) -> None:
    """For ever. `config` gives the one in force; `path` is its file, None: where it is searched.
    `claim` tells whether this machine is the one that does what is due."""
    looked = clock.time()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now, learning = clock.time(), config().learning
        night = next_night(learning.nightly, looked)
        look = next_look(learning.nightly, learning.looks, looked)
        looked = now
        if night is not None and night <= now:
            if await claim("night", night):
                await spend(path, env)
        elif look is not None and look <= now and await claim("look", look):
            await spend(path, env, "--look")


async def spend(path: Path | None, env: Mapping[str, str], *options: str) -> int:
    """One night, or a look, in a child process, which ends with this one; its exit status."""
    started, name = time.monotonic(), "look" if options else "night"
    command = [sys.executable, "-m", "shortstop", "learn", "--json", "--as-child", *options]
    if path is not None:
        command += ["--config", str(path)]
    child = await asyncio.create_subprocess_exec(
        *command,
        env={**env, "OMP_NUM_THREADS": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=os.getcwd(),
    )
    try:
        _, said = await child.communicate()
    except asyncio.CancelledError:
        child.kill()
        raise
    seconds = time.monotonic() - started
    if child.returncode:
        why = said.decode("utf-8", "replace").strip()[-LONGEST:]
        status = child.returncode
        log.error("the %s ended after %.0f s with status %s: %s", name, seconds, status, why)
    else:
        log.info("the %s ended after %.0f s", name, seconds)
    return child.returncode or 0
