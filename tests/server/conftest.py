"""A real gateway process between a real client and scripted models."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.server.forks import Forked, fork_shortstop
from tests.server.scripted import ScriptedModel

CONFIG = """
[server]
port = 0
drain_seconds = 2
{server}

[models.small]
url = "{local}"
abilities = ["json", "logprobs", "tools"]
context = 4096

[upstreams.vendor]
base_url = "{frontier}"
api_key_env = "VENDOR_KEY"
backoff = 0.01
retries = 1
first_byte_timeout = 2
idle_timeout = 2
total_timeout = 6
breaker_failures = 50
[upstreams.vendor.models.big]
price = "gpt-6.1-sol"

[routing]
exploration = 0.0
{more}
"""
LESSON = [{"role": "system", "content": "You repeat what you are told."}]
KEY = "sk-vendor-secret-0123456789abcdef"


class Gateway:
    """`shortstop serve` as a child process, and a client for it."""

    def __init__(self, home: Path, local: ScriptedModel, frontier: ScriptedModel) -> None:
        self.home = home
        self.local = local
        self.frontier = frontier
        self.log = b""
        self._news = asyncio.Condition()
        self.url = ""
        self.command: tuple[str, ...] = ("shortstop",)
        """The module that is run, with what comes before `serve`."""
        self.process: asyncio.subprocess.Process | Forked | None = None
        self.client: aiohttp.ClientSession | None = None

    @property
    def config_file(self) -> Path:
        return self.home / "shortstop.toml"

    def configure(self, server: str = "", more: str = "") -> None:
        self.config_file.write_text(
            CONFIG.format(
                local=self.local.url, frontier=self.frontier.url, server=server, more=more
            )
        )

    async def start(self) -> None:
        self.log = b""
        arguments = ("serve", "--config", str(self.config_file))
        env = {**os.environ, "SHORTSTOP_HOME": str(self.home), "VENDOR_KEY": KEY}
        self.process = (
            await fork_shortstop(*arguments, env=env)
            if self.command == ("shortstop",)
            else await asyncio.create_subprocess_exec(
                sys.executable, "-m", *self.command, *arguments,
                env=env, stderr=asyncio.subprocess.PIPE,
            )
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read_log())
        await self.logged(b"listening on http")
        self.url = "http" + self.log.split(b"listening on http")[1].split(b"/v1")[0].decode()
        self.client = aiohttp.ClientSession(self.url, headers={"content-type": "application/json"})

    async def _read_log(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._news:
                self.log += line
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()

    async def logged(self, text: bytes) -> None:
        """Wait until the log says `text`; fails at once when the process has died."""
        async with asyncio.timeout(60), self._news:
            while text not in self.log:
                assert not self._reader.done(), self.log.decode()
                await self._news.wait()

    async def stop(self) -> None:
        if self.client is not None:
            await self.client.close()
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """kill -9, with the client's connections still open."""
        await self._end(signal.SIGKILL)
        if self.client is not None:
            await self.client.close()

    async def _end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            async with asyncio.timeout(15):
                await self.process.wait()
        await self._reader

    @property
    def http(self) -> aiohttp.ClientSession:
        assert self.client is not None
        return self.client

    @property
    def admin(self) -> dict[str, str]:
        """The headers of an administrator of this machine."""
        token = (self.home / "admin.token").read_text().strip()
        return {"authorization": f"Bearer {token}"}

    async def teach(self, requests: int = 40) -> None:
        """Let the router see that the small model says what the big one says."""
        for i in range(requests):
            body = {
                "model": "auto",
                "messages": [*LESSON, {"role": "user", "content": f"!say {i}"}],
            }
            async with self.http.post("/v1/chat/completions", json=body) as r:
                await r.read()
        async with asyncio.timeout(10):
            while len(self.local.received) < requests:
                self.local.asked.clear()
                await self.local.asked.wait()

    def rows(self) -> list[tuple[str, str]]:
        """(outcome, target) of every row in the database."""
        with sqlite3.connect(self.home / "traces.db") as db:
            return db.execute("SELECT outcome, target FROM traces ORDER BY at").fetchall()


@asynccontextmanager
async def running_gateway(
    home: Path, server: str = "", more: str = "", command: tuple[str, ...] = ("shortstop",)
) -> AsyncIterator[Gateway]:
    async with ScriptedModel("small").running() as local, ScriptedModel("big").running() as far:
        gateway = Gateway(home, local, far)
        gateway.command = command
        gateway.configure(server, more)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_gateway(shared_home: Path) -> AsyncIterator[Gateway]:
    """One gateway for all tests that leave nothing behind."""
    async with running_gateway(shared_home) as running:
        yield running
