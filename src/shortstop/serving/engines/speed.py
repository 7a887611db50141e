"""How fast the engine is on this machine, and the number of threads at which it is fastest.

Measured once by running it, for each machine, engine and model, and kept in one small file.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from shortstop.dialects.openai.describe import PATH
from shortstop.dialects.openai.local import LIKELIEST, likeliest, timed, timings
from shortstop.errors import ShortstopError
from shortstop.serving.engines.machine import Machine, processor
from shortstop.serving.engines.measured import MeasuredFile
from shortstop.serving.engines.options import EngineOptions
from shortstop.serving.http import LocalClient, Timeouts

log = logging.getLogger(__name__)

WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}
"""How the engine's threads wait for each other, as its environment says it: they look for some
microseconds and then sleep. One that looks for long keeps the core that the last of them needs:
beside a busy neighbour two are then many times slower than one. Two that sleep at once are slower
than one everywhere: to wake a thread takes as long as its share of a step (docs/lab.md)."""
WORTH = 0.9
"""More threads are taken only where fewer do not reach this share of the best speed: the gateway
and everybody else need cores, too."""
DECODED, ROUNDS = 16, 3
"""Tokens generated at a time, and how often: the median counts, for a machine is seldom quiet."""
PROMPT_WORDS = 120
LONGEST_SECONDS = 20.0
"""For all thread counts but the first: a large model is slow to load."""


class Speed(Struct, frozen=True):
    """Tokens a second by the engine's own timers: `threads` generate, `batch_threads` read the
    prompt."""

    threads: int
    batch_threads: int
    prefill: float
    decode: float


class SpeedTable(Struct, frozen=True):
    """What was measured: one speed for each number of threads that was tried, computing with the
    CPU module `cpu` ("": the wheel's own code)."""

    speeds: tuple[Speed, ...]
    cpu: str = ""

    @property
    def best(self) -> Speed:
        """The fewest threads that generate about as fast as any number of them."""
        fastest = max(speed.decode for speed in self.speeds)
        good = (speed for speed in self.speeds if speed.decode >= WORTH * fastest)
        return min(good, key=lambda speed: speed.threads)


@dataclass(frozen=True, slots=True)
class SpeedBook:
    """Calibrations that were made, in one file."""

    path: Path

    def find(self, model: Path) -> SpeedTable | None:
        found = self._file.find(identity(model))
        return found if found is not None and found.speeds else None

    def keep(self, model: Path, calibration: SpeedTable) -> None:
        self._file.keep(identity(model), calibration)

    @property
    def _file(self) -> MeasuredFile[SpeedTable]:
        return MeasuredFile(self.path, SpeedTable, "the engine's speed")


def identity(model: Path) -> str:
    """What a measurement holds for: this processor with these cores, this engine and the way its
    threads wait, this file."""
    try:
        engine = version("xllamacpp")
    except PackageNotFoundError:
        engine = "none"
    size = model.stat().st_size if model.exists() else 0
    what = f"{processor()}\n{Machine.look().cores}\n{engine}\n{WAITING}\n{model.resolve()}\n{size}"
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def candidates(machine: Machine) -> list[int]:
    """Numbers of threads that may be the best: half of the cores, all but one, all."""
    return sorted({max(1, machine.cores // 2), machine.spare_cores, machine.cores})


Running = Callable[[EngineOptions], Awaitable[Speed]]
"""Runs the engine for a moment. Raises ShortstopError where it cannot."""


async def calibrate(options: EngineOptions, counts: Sequence[int], run: Running) -> SpeedTable:
    """Measure each number of threads. Raises what `run` does where the engine does not run."""
    speeds = [await run(replace(options, threads=counts[0]))]
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            for threads in counts[1:]:
                speeds.append(await run(replace(options, threads=threads)))
    except (TimeoutError, ShortstopError) as error:
        log.info("measuring the engine ended early: %s", error or "out of time")
    return SpeedTable(tuple(speeds))


async def likeliest_at(url: str, api_key: str) -> tuple[str, ...]:
    """The likeliest first tokens of an answer, the best first. Raises UpstreamFailed."""
    client = LocalClient(f"{url}/v1", api_key=api_key, timeouts=Timeouts(first_byte=60))
    try:
        return likeliest((await client.post(PATH, LIKELIEST)).body)
    finally:
        await client.close()


async def speed_at(url: str, api_key: str, options: EngineOptions) -> Speed:
    """Ask an engine that runs. Raises UpstreamFailed."""
    client = LocalClient(f"{url}/v1", api_key=api_key, timeouts=Timeouts(first_byte=60))
    prompt = " ".join(str(number * 7919 % 997) for number in range(PROMPT_WORDS))
    try:
        replies = [await client.post(PATH, timed(prompt, DECODED)) for _ in range(ROUNDS)]
    finally:
        await client.close()
    measured = [timings(reply.body) for reply in replies]
    # From the second one on the prompt is in the engine's cache.
    return Speed(
        options.threads,
        options.batch_threads,
        prefill=measured[0].prefill,
        decode=statistics.median(one.decode for one in measured),
    )
