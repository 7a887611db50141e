"""A gateway inside a company: TLS at its door, a proxy on its way out, a load balancer in front."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.certificates import Authority
from tests.connect_proxy import ConnectProxy
from tests.server.conftest import Gateway
from tests.server.scripted import ScriptedModel
from tests.server.test_gateway import chat

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/chat/completions"
SERVER = """
allowed_clients = ["10.0.0.0/8"]
trusted_proxies = ["127.0.0.1"]
[server.limits]
head_seconds = 1
[server.tls]
cert = "door.pem"
key = "door.key"
"""
AWAY = """
[upstreams.away]
base_url = "http://api.vendor.example/openai/deployments/{model}"
proxy = "PROXY"
headers = { api-key = "$VENDOR_KEY" }
query = { api-version = "2026-10-21" }
forward_headers = ["traceparent", "X-Note"]
first_byte_timeout = 1
idle_timeout = 1
total_timeout = 5
retries = 0
breaker_failures = 50
[upstreams.away.models.azure]
model = "gpt-6 east"
price = "gpt-6.1-sol"
"""


@dataclass
class Company:
    gateway: Gateway
    proxy: ConnectProxy
    ca: Authority

    @property
    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca.file))

    async def ask(self, model: str, text: str = "!say hi", **headers: str) -> tuple[int, Any]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = {"json": chat(text, model=model), "headers": names, "ssl": self.trusting}
        async with self.gateway.http.post(PATH, **asked) as answer:
            return answer.status, await answer.json()

    def place(self, called: str) -> None:
        """Put a new certificate at the door."""
        for new, name in zip(self.ca.sign("127.0.0.1", called=called), ("pem", "key"), strict=True):
            os.replace(new, self.gateway.home / f"door.{name}")

    async def shown(self) -> str:
        host, port = self.gateway.url.removeprefix("https://").split(":")
        _, writer = await asyncio.open_connection(host, int(port), ssl=self.trusting)
        subject = writer.get_extra_info("peercert")["subject"]
        writer.transport.abort()
        return str(subject[0][0][1])

    async def reload(self) -> tuple[int, str]:
        """By the command, as an operator does."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "shortstop", "reload", "--url", self.gateway.url),
            *("--config", str(self.gateway.config_file)),
            env={**os.environ, "SHORTSTOP_HOME": str(self.gateway.home)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, " ".join(said.decode().split())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    home: Path = tmp_path_factory.mktemp("gateway")
    ca = Authority(home)
    async with (
        ScriptedModel("small").running() as local,
        ScriptedModel("big").running() as far,
        ConnectProxy().running() as proxy,
    ):
        gateway = Gateway(home, local, far)
        proxy.hosts["api.vendor.example:80"] = ("127.0.0.1", int(far.url.rpartition(":")[2]))
        gateway.configure(SERVER, AWAY.replace("PROXY", proxy.url))
        made = Company(gateway, proxy, ca)
        made.place("first")
        await gateway.start()
        try:
            yield made
        finally:
            await gateway.stop()


async def test_the_door_speaks_tls_and_nothing_else(company: Company) -> None:
    assert company.gateway.url.startswith("https://127.0.0.1:")
    assert (await company.ask("small"))[0] == 200
    plain = company.gateway.url.replace("https", "http")
    async with aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.ClientError):
            await stranger.get(plain)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.get(company.gateway.url)
    assert (await company.ask("small"))[0] == 200


async def test_whoever_does_not_agree_on_tls_is_let_go(company: Company) -> None:
    port = int(company.gateway.url.rpartition(":")[2])
    silent, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        assert await silent.read() == b""
    writer.close()


async def test_a_reload_brings_a_new_certificate_or_says_why_not(company: Company) -> None:
    company.place("second")
    assert await company.shown() == "first"
    code, said = await company.reload()
    assert (code, "Reloaded" in said) == (0, True), said
    assert await company.shown() == "second"
    kept = (company.gateway.home / "door.pem").read_bytes()
    (company.gateway.home / "door.pem").unlink()
    code, said = await company.reload()
    assert code == 2
    assert "`server.tls.cert`: cannot read" in said
    assert "The old certificate stays in force" in said
    assert await company.shown() == "second"
    assert (await company.ask("small"))[0] == 200
    (company.gateway.home / "door.pem").write_bytes(kept)


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [("203.0.113.9", 403), ("10.1.2.3, 203.0.113.9", 403), ("203.0.113.9, 10.1.2.3", 401)],
)
async def test_who_comes_through_the_load_balancer_is_judged_by_its_address(
    company: Company, forwarded: str, status: int
) -> None:
    """Who may come in needs a key all the same: it is not this machine."""
    got, body = await company.ask("small", x_forwarded_for=forwarded)
    assert got == status
    if status == 403:
        assert body["error"]["code"] == "address_not_allowed"
        assert "203.0.113.9" in body["error"]["message"]


async def test_a_vendor_behind_the_proxy_is_asked_in_azures_way(company: Company) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    note = "my card is 4111 1111 1111 1111"
    status, body = await company.ask("azure", traceparent=trace, x_note=note, x_other="b")
    assert status == 200, body
    assert company.proxy.asked[-1] == "CONNECT api.vendor.example:80"
    head = company.gateway.frontier.received[-1].split(b"\r\n\r\n")[0].decode().lower()
    path = "/openai/deployments/gpt-6%20east/chat/completions?api-version=2026-10-21"
    assert head.startswith(f"post {path} http/1.1\r\nhost: api.vendor.example\r\n")
    assert "api-key: sk-vendor-secret" in head
    assert f"traceparent: {trace}" in head
    assert "4111" not in head, "privacy finds a number of a card"
    assert "x-other" not in head
    await company.ask("azure", x_note="from search")
    assert b"x-note: from search" in company.gateway.frontier.received[-1].lower()


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("!garbage", 502),
        ("!empty", 502),
        ("!status 500", 502),
        ("!status 429 retry=7", 429),
        ("!hang", 504),
    ],
)
async def test_a_hostile_vendor_behind_the_proxy_is_told_as_any_other(
    company: Company, script: str, status: int
) -> None:
    got, body = await company.ask("azure", script)
    assert (got, "proxy" in str(body)) == (status, False)
    assert (await company.ask("azure"))[0] == 200


@pytest.mark.parametrize("script", ["!half some words", "!error-event", "!slow a b"])
async def test_a_stream_that_breaks_behind_the_proxy_ends_with_an_error(
    company: Company, script: str
) -> None:
    asked = {"json": chat(script, model="azure", stream=True), "ssl": company.trusting}
    async with company.gateway.http.post(PATH, **asked) as answer:
        text = (await answer.read()).decode()
    assert '"error"' in text
    assert "[DONE]" not in text


async def test_a_proxy_that_asks_for_credentials_is_named_and_the_street_goes_on(
    company: Company,
) -> None:
    # A stream's connection is not used again, so that the next request needs a new tunnel.
    asked = {"json": chat("!say hi", model="azure", stream=True), "ssl": company.trusting}
    async with company.gateway.http.post(PATH, **asked) as answer:
        await answer.read()
    before = len(company.proxy.asked)
    company.proxy.wants = b"basic none"
    status, body = await company.ask("azure")
    company.proxy.wants = b""
    assert (status, body["error"]["code"]) == (502, "proxy_credentials")
    assert len(company.proxy.asked) == before + 1, "not tried again"
    assert (await company.ask("small"))[0] == 200
    assert (await company.ask("azure"))[0] == 200
