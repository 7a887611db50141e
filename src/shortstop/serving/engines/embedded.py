"""The embedded engine: a child process that serves one model, restarted when it dies.

What a child must do to be an engine: read one line of JSON from stdin (the fields of its options,
`path` and `api_key`), serve OpenAI's chat API on loopback for that key, answer `GET /metrics` (with
any status) from the loop that generates, print one line of JSON with its base URL as `ready`, and
end when its stdin does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import re
import secrets
import signal
import sys
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop.dialects.openai.describe import PATH
from shortstop.dialects.openai.local import GUIDED_WARM_UP, LOOP_STATE, WARM_UP
from shortstop.errors import (
    EngineDown,
    ModelFileError,
    ShortstopError,
    UpstreamFailed,
    UpstreamTimeout,
)
from shortstop.registry import read_info
from shortstop.registry.store import require_sha256
from shortstop.serving.engines.machine import Machine
from shortstop.serving.engines.modules import EngineRun, ModuleBook
from shortstop.serving.engines.options import EngineOptions
from shortstop.serving.engines.speed import (
    WAITING,
    Speed,
    SpeedBook,
    SpeedTable,
    calibrate,
    candidates,
    likeliest_at,
    speed_at,
)
from shortstop.serving.http import LocalClient, Timeouts

__all__ = ["LLAMA_CPP", "Backoff", "EmbeddedServer", "EngineOptions", "EngineState"]

log = logging.getLogger(__name__)

EngineState = Literal["stopped", "starting", "ready", "restarting", "failed"]

LLAMA_CPP = (sys.executable, "-m", "shortstop.serving.engines.child")
"""The command of the child that runs llama.cpp."""
START_SECONDS = 60.0
READ_BYTES_PER_SECOND = 50e6
"""A slow disk: large models get more time to start."""
TAIL = 4000
"""Characters of the child's stderr that are kept."""
SECRETS = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
LOG_HEAD = re.compile(r"^[\d.]+ [A-Z] ")
"""The engine's time stamp and level."""
DEATHS: dict[int, str] = {
    signal.SIGILL: "this processor lacks instructions that the engine's build needs (AVX2): run "
    "your own llama-server and name it with `url`",
    signal.SIGKILL: "it was killed, probably because memory ran out: lower `context` or `slots`, "
    "or take a smaller model",
    signal.SIGSEGV: "it crashed",
    signal.SIGABRT: "it gave up",
}


class Backoff(Struct, frozen=True):
    """How long to wait for a child and before the next one, in seconds.

    A child that lived `healthy` seconds resets the count. After `quick` deaths in a row the server
    counts as failed: it logs that as critical and tries again only every `rest` seconds. Every
    `probe` seconds a child is asked whether its loop runs; one that does not say so within
    `stalled`, and longer for a large model, is killed.
    """

    first: float = 0.5
    longest: float = 30.0
    healthy: float = 60.0
    quick: int = 5
    rest: float = 60.0
    probe: float = 5.0
    stalled: float = 10.0

    def failed(self, deaths: int) -> bool:
        """Whether so many deaths in a row are too many."""
        return deaths > self.quick

    def pause(self, deaths: int, chance: random.Random) -> float:
        """The wait after so many deaths in a row: it doubles, with jitter of up to half."""
        full = (
            self.rest
            if self.failed(deaths)
            else min(self.longest, self.first * 2.0 ** (deaths - 1))
        )
        return full * chance.uniform(0.5, 1.0)


PATIENT = Backoff()


class Tuning(Struct, frozen=True):
    """What is remembered of engines on this machine. None: nothing is tried, the options hold."""

    speeds: SpeedBook | None = None
    modules: ModuleBook | None = None


class EmbeddedServer:
    """Starts the child, restarts it with backoff when it dies, leaves no orphan.

    `sha256` is the registry's; "" skips the comparison. `command` starts the child. `url` is None
    while no child is ready; it changes at every start. What `tuning` remembers of this machine and
    model (the number of threads, the CPU module) is used; what it does not is measured first.
    """

    def __init__(
        self,
        path: Path,
        options: EngineOptions,
        *,
        sha256: str = "",
        command: tuple[str, ...] = LLAMA_CPP,
        backoff: Backoff = PATIENT,
        chance: random.Random | None = None,
        tuning: Tuning = Tuning(),  # noqa: B008 - frozen
    ) -> None:
        self._path = path
        self._sha256 = sha256
        self._command = command
        self._backoff = backoff
        self._chance = chance or random.Random()
        self._tuning = tuning
        self.options = options
        self.api_key = secrets.token_urlsafe(24)
        self.url: str | None = None
        self.state: EngineState = "stopped"
        self._state_changed = asyncio.Event()
        self._child: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._restarter: asyncio.Task[None] | None = None
        self._stderr = ""

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is no child."""
        return self._child.pid if self._child is not None else None

    async def start(self) -> None:
        """Returns when the model answers. Raises ModelFileError or EngineDown when it cannot."""
        self._enter("starting")
        try:
            await asyncio.to_thread(self._check_file)
            await self._tune()
            await self._launch()
        except BaseException:
            await self._end()
            self._enter("failed")
            raise
        self._restarter = asyncio.create_task(self._restart_for_ever())

    async def stop(self) -> None:
        """Kill the child and start no other."""
        if self._restarter is not None:
            self._restarter.cancel()
            await asyncio.gather(self._restarter, return_exceptions=True)
        await self._end()
        self._enter("stopped")

    async def until(self, state: EngineState) -> None:
        """Wait for a state."""
        while self.state != state:
            await self._state_changed.wait()

    async def changed(self) -> None:
        """Wait until the state, and with it the address, changes."""
        await self._state_changed.wait()

    def _enter(self, state: EngineState) -> None:
        self.state = state
        if state != "ready":
            self.url = None
        self._state_changed.set()
        self._state_changed = asyncio.Event()

    # -- its speed

    async def calibrate(self) -> SpeedTable:
        """Measure each number of threads that may be the best, with a child for each and the CPU
        module that is the best here, before the start. Raises what `start` does."""
        await self._choose_module()
        return await self._measured()

    async def _measured(self) -> SpeedTable:
        options = self.options
        table = await calibrate(options, candidates(Machine.look()), self._speed_with)
        return replace(table, cpu=options.cpu)

    async def _tune(self) -> None:
        await self._choose_module()
        speeds = self._tuning.speeds
        if speeds is None:
            return
        known = speeds.find(self._path)
        if known is None or known.cpu != self.options.cpu:
            log.info("measuring the engine on this machine, once")
            known = await self._measured()
            speeds.keep(self._path, known)
        self.options = replace(self.options, threads=known.best.threads)

    async def _choose_module(self) -> None:
        modules, options = self._tuning.modules, self.options
        if modules is not None:
            cpu = await modules.choose(self._path, options, self._try)
            self.options = replace(options, cpu=cpu)

    async def _speed_with(self, options: EngineOptions) -> Speed:
        return (await self._try(options)).speed

    async def _try(self, options: EngineOptions) -> EngineRun:
        """Run a child for a moment. Raises what `start` does."""
        self.options = options
        await self._launch()
        try:
            url = str(self.url)
            speed = await speed_at(url, self.api_key, options)
            return EngineRun(speed, await likeliest_at(url, self.api_key))
        finally:
            await self._end()
            self._enter("starting")

    # -- one child

    def _check_file(self) -> None:
        read_info(self._path)
        require_sha256(self._path, self._sha256)

    async def _launch(self) -> None:
        """A child that answers, or none. Raises ModelFileError or EngineDown."""
        limit = START_SECONDS + self._allowance()
        try:
            async with asyncio.timeout(limit):
                child = await self._spawn()
                self.url = await self._ready_line(child)
                await self._warm_up(self.url)
        except TimeoutError:
            await self._end()
            raise EngineDown(f"The model did not load within {limit:.0f} s.") from None
        except BaseException:
            await self._end()
            raise
        self._enter("ready")
        log.info("engine ready at %s (pid %d)", self.url, child.pid)

    def _allowance(self) -> float:
        """More seconds for a large model."""
        return self._path.stat().st_size / READ_BYTES_PER_SECOND

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._stderr = ""
        child = self._child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={n: v for n, v in os.environ.items() if not SECRETS.search(n)} | WAITING,
        )
        self._reader = asyncio.create_task(self._read_stderr(child))
        assert child.stdin is not None
        options = {**msgspec.to_builtins(self.options), "path": str(self._path)}
        child.stdin.write(msgspec.json.encode({**options, "api_key": self.api_key}) + b"\n")
        return child

    async def _ready_line(self, child: asyncio.subprocess.Process) -> str:
        assert child.stdout is not None
        line = await child.stdout.readline()
        if line:
            return str(msgspec.json.decode(line)["ready"])
        code = await child.wait()
        if self._reader is not None:
            await self._reader
        why = DEATHS.get(-code)
        raise ModelFileError(
            f"The engine could not load {self._path}: {why or self._last_words(code)}.",
            hint="The file may be damaged, or of a kind that the engine does not know: fetch it "
            "again with `shortstop pull`, or take another model.",
        )

    async def _warm_up(self, url: str) -> None:
        """Ask once: the first call allocates buffers, and proves that the model can chat."""
        client = LocalClient(
            f"{url}/v1", api_key=self.api_key, timeouts=Timeouts(first_byte=START_SECONDS)
        )
        try:
            reply = await client.post(PATH, WARM_UP)
            if reply.status == 200:
                await client.post(PATH, GUIDED_WARM_UP)
        except ShortstopError as error:
            raise EngineDown(f"The engine started but does not answer: {error.message}") from error
        finally:
            await client.close()
        if reply.status != 200:
            reason = reply.body[:300].decode("utf-8", "replace")
            raise ModelFileError(
                f"{self._path} was loaded but cannot chat (status {reply.status}): {reason}",
                hint="Take an instruction-tuned model with a chat template.",
            )

    def _last_words(self, code: int) -> str:
        """Why the child ended: the first error on stderr, for the later ones follow from it."""
        lines = [LOG_HEAD.sub("", line).strip(" .") for line in self._stderr.splitlines()]
        first = next((line for line in lines if "error" in line.lower()), "")
        return (first or " ".join(lines))[-400:] or f"exit status {code}"

    async def _read_stderr(self, child: asyncio.subprocess.Process) -> None:
        """Keep the end of it; a full pipe would block the child."""
        assert child.stderr is not None
        while data := await child.stderr.read(4096):
            self._stderr = (self._stderr + data.decode("utf-8", "replace"))[-TAIL:]

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        if self._reader is not None:
            await self._reader

    # -- one after the other

    async def _restart_for_ever(self) -> None:
        deaths = 0
        while True:
            lived = await self._lifetime()
            deaths = 1 if lived >= self._backoff.healthy else deaths + 1
            self._distrust_module()
            while not await self._restarted(deaths):
                deaths += 1

    def _distrust_module(self) -> None:
        """A child that died is not started with a CPU module again: it may have been the cause."""
        if self.options.cpu:
            log.warning("the engine goes on without the CPU module %s", self.options.cpu)
            self.options = replace(self.options, cpu="")

    async def _lifetime(self) -> float:
        """Wait for the child's end; returns the seconds that it lived from now on."""
        assert self._child is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        watch = asyncio.create_task(self._watch(self._child))
        try:
            code = await self._child.wait()
        finally:
            watch.cancel()
        log.error("the engine died (%s): %s", code, self._last_words(code))
        await self._end()
        return loop.time() - began

    async def _watch(self, child: asyncio.subprocess.Process) -> None:
        """Kill a child whose loop has stopped: who waits for it then fails or goes elsewhere."""
        limit = self._backoff.stalled + self._allowance()
        client = LocalClient(
            str(self.url), api_key=self.api_key, timeouts=Timeouts(first_byte=limit, idle=limit)
        )
        try:
            while True:
                await asyncio.sleep(self._backoff.probe)
                with contextlib.suppress(UpstreamFailed):
                    await client.get_beside(LOOP_STATE)
        except UpstreamTimeout:
            log.error("the engine has not answered for %.0f s and is killed", limit)
            child.kill()
        finally:
            await client.close()

    async def _restarted(self, deaths: int) -> bool:
        """Wait as long as the deaths so far ask for, then start a child. False when it fails."""
        pause = self._backoff.pause(deaths, self._chance)
        if self._backoff.failed(deaths):
            self._enter("failed")
            log.critical("the engine does not stay up (%d deaths); next try: %.0f s", deaths, pause)
        else:
            self._enter("restarting")
            log.warning("the engine is started again in %.1f s", pause)
        await asyncio.sleep(pause)
        try:
            await self._launch()
        except (ShortstopError, OSError) as error:
            log.error("the engine does not start: %s", error)
            return False
        return True
