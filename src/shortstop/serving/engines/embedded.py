"""The embedded engine: a child process that serves one model, supervised."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import sys
from collections import deque
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from shortstop.config import ModelConfig
from shortstop.errors import EngineDown, ModelFileError
from shortstop.registry import GgufInfo

log = logging.getLogger(__name__)

State = Literal["stopped", "starting", "ready", "restarting", "failed"]

START_SECONDS = 120
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
HEALTHY_SECONDS = 60
SLOT_CONTEXT = 2048


class EngineOptions(Struct, frozen=True):
    """How to run a model. `context` is of all slots together, in tokens."""

    threads: int
    context: int
    slots: int
    gpu_layers: int = -1
    cache_mib: int = 256

    @property
    def context_per_slot(self) -> int:
        return self.context // self.slots

    @staticmethod
    def choose(model: ModelConfig, gguf: GgufInfo) -> EngineOptions:
        """What the operator said, else what this machine has."""
        threads = model.threads or spare_cores()
        slots = model.slots or 4
        per_slot = model.context or min(gguf.context, SLOT_CONTEXT)
        layers = -1 if model.gpu_layers is None else model.gpu_layers
        return EngineOptions(threads, per_slot * slots, slots, layers)


def spare_cores() -> int:
    """Cores this process may use, less one for the gateway and its neighbours.

    A llama.cpp thread that loses its core keeps all others waiting: with as many threads as
    cores, one busy neighbour costs ten times the speed (docs/lab.md).
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (usable or 2) - 1)


class EmbeddedServer:
    """Starts the child, restarts it with backoff when it dies, leaves no orphan."""

    def __init__(self, path: Path, options: EngineOptions) -> None:
        self._path = path
        self.options = options
        self.api_key = secrets.token_urlsafe(24)
        self.url: str | None = None
        self.state: State = "stopped"
        self._child: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._complaints: deque[str] = deque(maxlen=20)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    async def start(self) -> None:
        """Returns when the model is loaded. Raises ModelFileError when it cannot be."""
        self.state = "starting"
        await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        self.state, self.url = "stopped", None
        await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()

    async def _launch(self) -> None:
        self._complaints.clear()
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "shortstop.serving.engines.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._child.stdin is not None
        said = {**msgspec.to_builtins(self.options), "path": str(self._path)}
        self._child.stdin.write(msgspec.json.encode({**said, "api_key": self.api_key}) + b"\n")
        self._listener = asyncio.create_task(self._listen(self._child))
        try:
            async with asyncio.timeout(START_SECONDS):
                self.url = await self._ready_line(self._child)
        except TimeoutError:
            await self._end()
            raise EngineDown(f"The model did not load within {START_SECONDS} s.") from None
        self.state = "ready"
        log.info("engine ready at %s (pid %d)", self.url, self._child.pid)

    async def _ready_line(self, child: asyncio.subprocess.Process) -> str:
        assert child.stdout is not None
        async for line in child.stdout:
            with contextlib.suppress(msgspec.DecodeError):
                return str(msgspec.json.decode(line)["ready"])
        await child.wait()
        await self._listener
        raise ModelFileError(
            f"The engine could not load {self._path}: {' '.join(self._complaints)[-400:]}",
            hint="Check the file with `shortstop models`, or fetch it anew with `shortstop pull`.",
        )

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        assert child.stderr is not None
        async for line in child.stderr:
            self._complaints.append(line.decode("utf-8", "replace").strip())

    async def _keep(self) -> None:
        """Watch the child; start it anew when it dies."""
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while True:
            assert self._child is not None
            began = loop.time()
            code = await self._child.wait()
            self.url, self.state = None, "restarting"
            pause = FIRST_PAUSE if loop.time() - began > HEALTHY_SECONDS else pause
            log.error("the engine died (exit %s); restarting in %.1f s", code, pause)
            started = False
            while not started:
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
                started = await self._relaunched()

    async def _relaunched(self) -> bool:
        try:
            await self._launch()
        except (ModelFileError, EngineDown, OSError) as error:
            self.state = "failed"
            log.error("the engine does not start: %s", error)
            return False
        return True
