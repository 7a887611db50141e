"""Parts of a gateway in this process: its files, engines without processes, what is left open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from shortstop.config import Config, ConfigSource
from shortstop.serving.engines.embedded import EmbeddedServer, EngineOptions, EngineState
from tests.registry.samples import write

VENDOR = """
[upstreams.vendor]
base_url = "http://127.0.0.1:9"
api_key_env = "VENDOR_KEY"
[upstreams.vendor.models.big]
price = "gpt-6.1-sol"
"""
"""A frontier that nobody asks: port 9 refuses connections."""
SMALL = '\n[models.small]\nurl = "http://127.0.0.1:9/v1"\n'
ENV = {"VENDOR_KEY": "sk-vendor"}


class Home:
    """A folder with a configuration file, as an operator has it, and its environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = {"SHORTSTOP_HOME": str(folder), **ENV}
        self.file = folder / "shortstop.toml"
        self.configure(SMALL + VENDOR)

    def configure(self, text: str) -> None:
        self.file.write_text(text)

    def embed(self, name: str = "small", **settings: object) -> str:
        """The section of an embedded model whose file is here."""
        path = self.folder / "tiny.gguf"
        if not path.exists():
            write(path)
        lines = [f"{key} = {value}" for key, value in settings.items()]
        return "\n".join([f"[models.{name}]", f'source = "{path}"', *lines, ""])

    @property
    def source(self) -> ConfigSource:
        return ConfigSource(self.file, self.env)

    @property
    def config(self) -> Config:
        return self.source.load()

    def open_files(self) -> set[str]:
        """Files and folders below this one that this process has open."""
        links = (Path("/proc/self/fd") / number for number in os.listdir("/proc/self/fd"))
        paths = {os.readlink(link) for link in links if link.is_symlink()}
        return {path for path in paths if path.startswith(f"{self.folder}/")}


class ScriptedEngine:
    """An embedded engine without a process. `start` waits for `may_start`, then fails or not."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.options = EngineOptions(threads=1, context=4096, slots=2)
        self.url: str | None = None
        self.api_key = "engine-key"
        self.state: EngineState = "stopped"
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.starting, self.stopped = asyncio.Event(), asyncio.Event()
        self.starts = 0
        self._changed = asyncio.Event()

    def enter(self, state: EngineState, url: str | None = None) -> None:
        self.state, self.url = state, url
        self._changed.set()
        self._changed = asyncio.Event()

    async def start(self) -> None:
        self.starts += 1
        self.enter("starting")
        self.starting.set()
        try:
            await self.may_start.wait()
            if self.error is not None:
                raise self.error
        except BaseException:
            self.enter("failed")
            raise
        self.enter("ready", "http://127.0.0.1:9")

    async def stop(self) -> None:
        self.enter("stopped")
        self.stopped.set()

    async def changed(self) -> None:
        await self._changed.wait()

    @property
    def lives(self) -> bool:
        return self.state in ("starting", "ready", "restarting")


class EngineFactory:
    """Stands in for the class `EmbeddedServer`; remembers what was made with which options.

    `error` and `waits` are for engines to be made from now on: why they do not start, and whether
    they wait to be let.
    """

    def __init__(self) -> None:
        self.made: list[ScriptedEngine] = []
        self.error: Exception | None = None
        self.waits = False
        self._asked = asyncio.Event()

    def __call__(
        self, path: Path, options: EngineOptions, *, sha256: str = "", tuning: object = None
    ) -> ScriptedEngine:
        engine = ScriptedEngine(self.error)
        engine.options = options
        if self.waits:
            engine.may_start.clear()
        self.made.append(engine)
        self._asked.set()
        return engine

    async def until(self, count: int) -> ScriptedEngine:
        """The engine with that number, from 1, as soon as it is made."""
        while len(self.made) < count:
            self._asked.clear()
            await soon(self._asked)
        return self.made[count - 1]

    @property
    def alive(self) -> list[ScriptedEngine]:
        return [engine for engine in self.made if engine.lives]


def servers_of(engines: Mapping[str, ScriptedEngine]) -> dict[str, EmbeddedServer]:
    """The same engines under the type that `publish` takes."""
    return dict(engines)  # type: ignore[arg-type]


async def soon(*events: asyncio.Event) -> None:
    """All of them happen; fails instead of hanging when one does not."""
    async with asyncio.timeout(10):
        for event in events:
            await event.wait()


async def turns(count: int = 20) -> None:
    """Let everything run that can run without waiting for anything outside."""
    for _ in range(count):
        await asyncio.sleep(0)
