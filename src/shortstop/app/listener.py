"""The listening socket, and serving one gateway on it."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from shortstop.app.gateway import Shortstop
from shortstop.config import ServerConfig
from shortstop.errors import ConfigError, ShortstopError
from shortstop.server import create

log = logging.getLogger("shortstop")

BACKLOG = 2048
ACCEPTED = 16
"""New connections in one turn of the event loop. libuv takes one a turn from each listening socket,
and a turn of a busy gateway is long: of a hundred clients that come at once the last would wait for
seconds."""


SWITCH_SECONDS = 0.001
"""For how long another thread may keep the interpreter when the event loop wants it: a text that is
read for privacy beside the loop would else hold up each of its steps by Python's 5 ms."""


class _Server(uvicorn.Server):
    """Says when it listens, and survives the signal that ends it: there is more to tidy up."""

    def __init__(self, settings: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(settings)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.handle_exit, name, None)
        yield


async def serve_on(gateway: Shortstop, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    settings = uvicorn.Config(
        create(gateway),
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(gateway.server.drain_seconds),
    )
    sys.setswitchinterval(SWITCH_SECONDS)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(_reload(gateway)))
    async with gateway.running():
        # Long-lived objects leave the collector's sight; fewer, larger collections after that.
        gc.collect()
        _give_back_memory()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        more = [listening.dup() for _ in range(ACCEPTED - 1)]
        await _Server(settings, ready).serve([listening, *more])


def _give_back_memory() -> None:
    """What only the start needed, some 10 MB: glibc would keep it for ever."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


async def _reload(gateway: Shortstop) -> None:
    try:
        await gateway.swap()
    except ShortstopError as error:
        log.error("reload refused, nothing changed: %s", error)


def bind(server: ServerConfig) -> socket.socket:
    """Raises ConfigError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((server.host, server.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"Cannot listen on {_bracketed(server.host)}:{server.port}: {error.strerror}.",
            hint="Choose another with --port, or stop what listens there.",
        ) from error
    return listening


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    """As a URL has it: an IPv6 address holds colons itself."""
    return f"[{host}]" if ":" in host else host
