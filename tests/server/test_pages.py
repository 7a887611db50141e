"""Real web pages in a real browser against a real gateway: nothing is spent, made, changed or read.

Needs Chromium or Chrome; without one these tests are skipped and `test_door` alone speaks for them.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web

from tests.server.conftest import Gateway, running_gateway

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(BROWSER is None, reason="no browser: apt-get install chromium"),
    pytest.mark.skipif(
        len(socket.if_nameindex()) < 2,
        reason="make airgap: a browser looks for networks of its own accord",
    ),
]

HERE = Path(__file__).parent
NAMES = "MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
"""For the browser there are no other names: it asks no server for any."""
PATIENCE = 60
"""Seconds that a busy machine may take to start a browser and run a page."""


class Site:
    """A web site of an attacker's: its pages, and what they report."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.switched = asyncio.Event()
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        app = web.Application()
        for name in ("attack", "rebind"):
            app.router.add_get(f"/{name}", self._page(HERE / f"{name}.html"))
        app.router.add_post("/report", self._report)
        app.router.add_post("/switch", self._switch)
        runner = web.AppRunner(app, keepalive_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()

    @property
    def report(self) -> str:
        return f"http://127.0.0.1:{self.port}/report"

    def _page(self, file: Path) -> Any:
        async def page(request: web.Request) -> web.Response:
            answer = web.Response(text=file.read_text(), content_type="text/html")
            answer.force_close()
            return answer

        return page

    async def _report(self, request: web.Request) -> web.Response:
        await self.reports.put(json.loads(await request.text()))
        return web.Response()

    async def _switch(self, request: web.Request) -> web.Response:
        self.switched.set()
        answer = web.Response()
        answer.force_close()
        return answer


@asynccontextmanager
async def pointed(site: Site, port: int) -> AsyncIterator[int]:
    """An address that leads to the site and, once that is switched, to `port`: what a browser sees
    of a name whose DNS entry was changed."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = port if site.switched.is_set() else site.port
        there, back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def browsing(folder: Path, url: str) -> AsyncIterator[None]:
    """A browser with the page open; names under `.test` lead to this machine."""
    assert BROWSER is not None
    process = await asyncio.create_subprocess_exec(
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        # The browser's own guard asks its reader; a reader may have said yes.
        "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
        f"--host-resolver-rules={NAMES}",
        f"--user-data-dir={folder / 'browser'}",
        url,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def visit(folder: Path, url: str, site: Site) -> dict[str, Any]:
    """What the page reports."""
    async with browsing(folder, url), asyncio.timeout(PATIENCE):
        return await site.reports.get()


async def refusals(gateway: Gateway) -> float:
    async with gateway.http.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(x.split()[-1]) for x in lines if x.startswith("shortstop_refused_total"))


async def nothing_happened(gateway: Gateway) -> None:
    assert gateway.local.received == []
    assert gateway.frontier.received == []
    assert b"configuration reloaded" not in gateway.log
    async with gateway.http.get("/admin/keys", headers=gateway.admin) as answer:
        assert await answer.json() == {"data": []}
    async with gateway.http.get("/v1/models") as answer:
        assert answer.status == 200, "nobody is locked out"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "page.test"])
async def test_a_strangers_page_does_nothing_and_reads_nothing(tmp_path: Path, name: str) -> None:
    site = Site()
    async with site.open(), running_gateway(tmp_path) as gateway:
        query = urlencode({"gateway": gateway.url, "report": site.report})
        told = await visit(tmp_path, f"http://{name}:{site.port}/attack?{query}", site)
        assert told["read"] == []
        assert told["tried"] > 100
        await nothing_happened(gateway)
        assert await refusals(gateway) > 80, "the browser did send them"


async def test_by_another_name_of_this_machine_neither(tmp_path: Path) -> None:
    """The page asks under a name that its owner has pointed here."""
    site = Site()
    async with site.open(), running_gateway(tmp_path) as gateway:
        here = gateway.url.replace("127.0.0.1", "rebound.test")
        query = urlencode({"gateway": here, "report": site.report})
        told = await visit(tmp_path, f"http://rebound.test:{site.port}/attack?{query}", site)
        assert told["read"] == []
        await nothing_happened(gateway)
        assert await refusals(gateway) > 80


async def test_a_page_whose_name_is_pointed_here_reads_refusals(tmp_path: Path) -> None:
    """To the browser the gateway is the page's own origin: it may send and read everything."""
    site = Site()
    async with site.open(), running_gateway(tmp_path) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        async with pointed(site, port) as shared:
            query = urlencode({"report": site.report})
            told = await visit(tmp_path, f"http://evil.test:{shared}/rebind?{query}", site)
        assert len(told["read"]) == 9
        for path, status, text in told["read"]:
            assert status == 403, (path, status, text)
            assert "host_not_allowed" in text or "not_for_pages" in text
        await nothing_happened(gateway)


async def test_a_page_that_the_operator_named_may_ask_and_not_administer(tmp_path: Path) -> None:
    site = Site()
    async with site.open():
        origin = f"http://page.test:{site.port}"
        async with running_gateway(tmp_path, server=f'cors_origins = ["{origin}"]') as gateway:
            query = urlencode({"gateway": gateway.url, "report": site.report})
            told = await visit(tmp_path, f"{origin}/attack?{query}", site)
            read = dict(told["read"])
            assert read["json /v1/chat/completions"].startswith("200 ")
            assert "spent" in read["json /v1/chat/completions"]
            assert read["get /v1/models"].startswith("200 ")
            assert read["text /v1/chat/completions"].startswith("415 "), "it is told why"
            assert not any("/admin" in name for name in read)
            assert not any(name.startswith(("sandbox", "socket")) for name in read)
            assert b"configuration reloaded" not in gateway.log
            async with gateway.http.get("/admin/keys", headers=gateway.admin) as answer:
                assert await answer.json() == {"data": []}
