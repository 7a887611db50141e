"""The embedded engine: a child process that serves one model, supervised."""

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

from shortstop.errors import EngineDown, ModelFileError, ShortstopError
from shortstop.registry import read_info
from shortstop.registry.store import require_sha256
from shortstop.serving.engines.options import EngineOptions
from shortstop.serving.http import LocalClient, Timeouts

__all__ = ["Backoff", "EmbeddedServer", "EngineOptions", "EngineState"]

log = logging.getLogger(__name__)

EngineState = Literal["stopped", "starting", "ready", "restarting", "failed"]

START_SECONDS = 60.0
READ_BYTES_PER_SECOND = 50e6
"""A slow disk: large models get more time to start."""
TAIL = 4000
"""Characters of the child's complaints that are kept."""
SECRETS = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
LOG_HEAD = re.compile(r"^[\d.]+ [A-Z] ")
"""The engine's time stamp and level."""
WARM_UP = b'{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}'
DEATHS: dict[int, str] = {
    signal.SIGILL: "this processor lacks instructions that the engine's build needs (AVX2): run "
    "your own llama-server and name it with `url`",
    signal.SIGKILL: "it was killed, probably for want of memory: lower `context` or `slots`, or "
    "take a smaller model",
    signal.SIGSEGV: "it crashed",
    signal.SIGABRT: "it gave up",
}


class Backoff(Struct, frozen=True):
    """How long to wait before the next start. Seconds.

    A child that lived `healthy` seconds starts the count anew. After `quick` deaths in a row the
    server counts as failed: it says so loudly and tries again only every `rest` seconds.
    """

    first: float = 0.5
    longest: float = 30.0
    healthy: float = 60.0
    quick: int = 5
    rest: float = 60.0

    def failed(self, deaths: int) -> bool:
        return deaths > self.quick

    def pause(self, deaths: int, chance: random.Random) -> float:
        """Between half and all of the doubling wait, so that many servers do not start at once."""
        full = (
            self.rest
            if self.failed(deaths)
            else min(self.longest, self.first * 2.0 ** (deaths - 1))
        )
        return full * chance.uniform(0.5, 1.0)


PATIENT = Backoff()


class EmbeddedServer:
    """Starts the child, restarts it with backoff when it dies, leaves no orphan.

    `sha256` is the registry's; "" skips the comparison. `url` is None while there is no child to
    talk to; it changes at every start.
    """

    def __init__(
        self,
        path: Path,
        options: EngineOptions,
        *,
        sha256: str = "",
        backoff: Backoff = PATIENT,
        chance: random.Random | None = None,
    ) -> None:
        self._path = path
        self._sha256 = sha256
        self._backoff = backoff
        self._chance = chance or random.Random()
        self.options = options
        self.api_key = secrets.token_urlsafe(24)
        self.url: str | None = None
        self.state: EngineState = "stopped"
        self._turned = asyncio.Event()
        self._child: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._complaints = ""

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    @property
    def context(self) -> int:
        return self.options.context

    @property
    def slots(self) -> int:
        return self.options.slots

    @property
    def rss(self) -> int | None:
        """Bytes of memory that the child holds, weights included; None where nobody says."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return None
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def start(self) -> None:
        """Returns when the model answers. Raises ModelFileError or EngineDown when it cannot."""
        self._turn("starting")
        try:
            await asyncio.to_thread(self._check_file)
            await self._launch()
        except BaseException:
            await self._end()
            self._turn("failed")
            raise
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._end()
        self._turn("stopped")

    async def until(self, state: EngineState) -> None:
        """Wait for a state."""
        while self.state != state:
            await self._turned.wait()

    async def changed(self) -> None:
        """Wait until the state, and with it the address, is another."""
        await self._turned.wait()

    def _turn(self, state: EngineState) -> None:
        self.state = state
        if state != "ready":
            self.url = None
        self._turned.set()
        self._turned = asyncio.Event()

    # -- one child

    def _check_file(self) -> None:
        read_info(self._path)
        require_sha256(self._path, self._sha256)

    async def _launch(self) -> None:
        """A child that answers, or none. Raises ModelFileError or EngineDown."""
        patience = START_SECONDS + self._path.stat().st_size / READ_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(patience):
                child = await self._spawn()
                self.url = await self._ready_line(child)
                await self._warm_up(self.url)
        except TimeoutError:
            await self._end()
            raise EngineDown(f"The model did not load within {patience:.0f} s.") from None
        except BaseException:
            await self._end()
            raise
        self._turn("ready")
        log.info("engine ready at %s (pid %d)", self.url, child.pid)

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._complaints = ""
        child = self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "shortstop.serving.engines.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: said for name, said in os.environ.items() if not SECRETS.search(name)},
        )
        self._listener = asyncio.create_task(self._listen(child))
        assert child.stdin is not None
        said = {**msgspec.to_builtins(self.options), "path": str(self._path)}
        child.stdin.write(msgspec.json.encode({**said, "api_key": self.api_key}) + b"\n")
        return child

    async def _ready_line(self, child: asyncio.subprocess.Process) -> str:
        assert child.stdout is not None
        line = await child.stdout.readline()
        if line:
            return str(msgspec.json.decode(line)["ready"])
        code = await child.wait()
        if self._listener is not None:
            await self._listener
        why = DEATHS.get(-code)
        raise ModelFileError(
            f"The engine could not load {self._path}: {why or self._last_words(code)}.",
            hint="The file may be of a kind that the engine does not know, or damaged: fetch it "
            "anew with `shortstop pull`, or take another model.",
        )

    async def _warm_up(self, url: str) -> None:
        """The first call pays for buffers and pages; it also proves that the model can chat."""
        client = LocalClient(
            f"{url}/v1", api_key=self.api_key, timeouts=Timeouts(first_byte=START_SECONDS)
        )
        try:
            reply = await client.post("/chat/completions", WARM_UP)
        except ShortstopError as error:
            raise EngineDown(f"The engine started but does not answer: {error.message}") from error
        finally:
            await client.close()
        if reply.status != 200:
            said = reply.body[:300].decode("utf-8", "replace")
            raise ModelFileError(
                f"{self._path} was loaded but cannot chat (status {reply.status}): {said}",
                hint="Take an instruction-tuned model with a chat template.",
            )

    def _last_words(self, code: int) -> str:
        """The first error is the cause, what follows are its echoes."""
        lines = [LOG_HEAD.sub("", line).strip(" .") for line in self._complaints.splitlines()]
        first = next((line for line in lines if "error" in line.lower()), "")
        return (first or " ".join(lines))[-400:] or f"exit status {code}"

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        """Keep the end of what it complains about; a pipe that nobody reads would stop it."""
        assert child.stderr is not None
        while data := await child.stderr.read(4096):
            self._complaints = (self._complaints + data.decode("utf-8", "replace"))[-TAIL:]

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        if self._listener is not None:
            await self._listener

    # -- one after the other

    async def _keep(self) -> None:
        """Watch the child; start it anew when it dies."""
        deaths = 0
        while True:
            lived = await self._life()
            deaths = 1 if lived >= self._backoff.healthy else deaths + 1
            while not await self._revived(deaths):
                deaths += 1

    async def _life(self) -> float:
        assert self._child is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        code = await self._child.wait()
        log.error("the engine died (%s): %s", code, self._last_words(code))
        await self._end()
        return loop.time() - began

    async def _revived(self, deaths: int) -> bool:
        pause = self._backoff.pause(deaths, self._chance)
        if self._backoff.failed(deaths):
            self._turn("failed")
            log.critical("the engine does not stay up (%d deaths); next try: %.0f s", deaths, pause)
        else:
            self._turn("restarting")
            log.warning("the engine is started again in %.1f s", pause)
        await asyncio.sleep(pause)
        try:
            await self._launch()
        except (ShortstopError, OSError) as error:
            log.error("the engine does not start: %s", error)
            return False
        return True
