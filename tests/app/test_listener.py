"""The listening socket: what cannot be bound says so, and a stop is clean."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing

import aiohttp
import msgspec
import pytest

from shortstop.app.gateway import Shortstop
from shortstop.app.listener import bind, serve_on, url_of
from shortstop.config import ServerConfig
from shortstop.errors import ConfigError
from tests.app.parts import SMALL, VENDOR, Home, soon

ANY = ServerConfig(port=0)


def at(host: str, **more: object) -> ServerConfig:
    return msgspec.structs.replace(ANY, host=host, **more)


# ------------------------------------------------------------ binding


def test_a_free_port_is_taken_at_once() -> None:
    with closing(bind(ANY)) as listening:
        host, port = listening.getsockname()
        assert url_of(listening) == f"http://{host}:{port}"
        with closing(socket.create_connection((host, port), timeout=5)):
            pass  # accepted by the system, before anybody serves


def test_a_port_that_is_taken_says_so_and_what_to_do() -> None:
    with closing(bind(ANY)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(ConfigError) as raised:
            bind(at("127.0.0.1", port=port))
    assert f"127.0.0.1:{port}: Address already in use" in raised.value.message
    assert "--port" in raised.value.hint


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_says_so(host: str) -> None:
    with pytest.raises(ConfigError, match=f"Cannot listen on {host}:0"):
        bind(at(host))


def test_a_refused_port_leaves_no_socket_open() -> None:
    with closing(bind(ANY)) as listening:
        before = os.listdir("/proc/self/fd")
        with pytest.raises(ConfigError):
            bind(at("127.0.0.1", port=listening.getsockname()[1]))
        assert os.listdir("/proc/self/fd") == before


def test_the_next_gateway_may_have_the_port_at_once() -> None:
    """Connections of the one before may linger."""
    with closing(bind(ANY)) as listening:
        host, port = listening.getsockname()
        client = socket.create_connection((host, port), timeout=5)
        listening.accept()[0].close()
    client.close()
    bind(at("127.0.0.1", port=port)).close()


@pytest.fixture
def ipv6() -> None:
    with closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")


@pytest.mark.usefixtures("ipv6")
def test_ipv6_addresses_are_written_in_brackets() -> None:
    with closing(bind(at("::1"))) as listening:
        port = listening.getsockname()[1]
        assert url_of(listening) == f"http://[::1]:{port}"
        with pytest.raises(ConfigError, match=rf"\[::1\]:{port}: Address already in use"):
            bind(at("::1", port=port))


# ------------------------------------------------------------ serving


@pytest.fixture
def collector() -> Iterator[None]:
    """Serving tunes the garbage collector of its process, which is that of the tests here."""
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("collector")
async def test_it_serves_until_it_is_asked_to_stop_and_leaves_nothing_open(home: Home) -> None:
    home.configure(SMALL + VENDOR)
    gateway = Shortstop(home.config, home.source)
    listening, ready = bind(ANY), asyncio.Event()
    url = url_of(listening)
    serving = asyncio.create_task(serve_on(gateway, listening, ready.set))
    await soon(ready)
    async with aiohttp.ClientSession(url) as http:
        async with http.get("/health") as answer:
            assert answer.status == 200
        async with http.get("/v1/models") as answer:
            names = [card["id"] for card in (await answer.json())["data"]]
        assert {"small", "big"} <= set(names)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await serving
    assert home.open_files() == set()
    assert (home.folder / "brain.bin").exists(), "what was learned is saved"
    bind(at("127.0.0.1", port=int(url.rsplit(":", 1)[1]))).close()


@pytest.mark.usefixtures("collector")
async def test_sighup_reads_the_file_again_and_a_bad_one_is_only_logged(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "shortstop")
    gateway = Shortstop(home.config, home.source)
    ready = asyncio.Event()
    serving = asyncio.create_task(serve_on(gateway, bind(ANY), ready.set))
    await soon(ready)
    for text, expected in ((SMALL, "configuration reloaded: small"), ("[", "nothing changed")):
        home.configure(text)
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            while expected not in caplog.text:
                await asyncio.sleep(0)
    assert "not valid TOML" in caplog.text
    assert list(gateway.targets) == ["small", "static"]
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await serving
