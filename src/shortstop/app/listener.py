"""The listening socket, and serving one gateway on it."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import cast

import uvicorn

from shortstop.app.gateway import Shortstop
from shortstop.app.memory import Trimmer, give_back_memory, keep_large_blocks_apart
from shortstop.config import ServerConfig
from shortstop.errors import ConfigError, ShortstopError
from shortstop.server import Connections, Refusals, create
from shortstop.server.protocol import BoundedProtocol

log = logging.getLogger("shortstop")

BACKLOG = 2048
ACCEPTED = 16
"""New connections in one turn of the event loop. libuv takes one a turn from each listening socket,
and a turn of a busy gateway is long: of a hundred clients that come at once the last would wait for
seconds."""
OWN_FILES = 2048
"""Descriptors that are no clients' connections: those to models, databases, workers."""
LONGEST_NUMBER = 640
"""Digits of a whole number, the least that Python lets us say: to read one takes the square of
them."""


SWITCH_SECONDS = 0.001
"""For how long another thread may keep the interpreter when the event loop wants it: a text that is
read for privacy beside the loop would else hold up each of its steps by Python's 5 ms."""


class _Server(uvicorn.Server):
    """Says when it listens, and survives the signal that ends it: there is more to tidy up."""

    def __init__(
        self,
        settings: uvicorn.Config,
        ready: Callable[[], None],
        tls: ssl.SSLContext | None,
        gateway: Shortstop,
    ) -> None:
        super().__init__(settings)
        server = gateway.server
        handshake, self._notice_s = server.limits.head_seconds, server.notice_seconds
        self._leave = gateway.leave
        self._ready = ready
        self._tls = tls
        self._handshake = handshake if tls is not None else None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which knows no bound on how long a client may take to agree on TLS."""
        loop, self.servers = asyncio.get_running_loop(), []
        for one in sockets or ():
            server = await loop.create_server(
                self._protocol,
                sock=one,
                ssl=self._tls,
                backlog=BACKLOG,
                ssl_handshake_timeout=self._handshake,
            )
            self.servers.append(server)
        self.started = True
        self._ready()

    def _protocol(self) -> asyncio.Protocol:
        made = cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class)
        return made(config=self.config, server_state=self.server_state, app_state={})

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.handle_exit, name, None)
        if self._notice_s:
            loop.add_signal_handler(signal.SIGTERM, self._give_notice, loop)
        yield

    def _give_notice(self, loop: asyncio.AbstractEventLoop) -> None:
        """Not ready at once; the end follows when that has gone round, or at a second signal."""
        self._leave()
        end = partial(self.handle_exit, signal.SIGTERM, None)
        loop.add_signal_handler(signal.SIGTERM, end)
        loop.call_later(self._notice_s, lambda: None if self.should_exit else end())


async def serve_on(gateway: Shortstop, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    connections = Connections(lambda: gateway.server.limits, Refusals(gateway), Trimmer())
    protocol = partial(BoundedProtocol, connections=connections)
    settings = uvicorn.Config(
        create(gateway),
        http=cast(type[asyncio.Protocol], protocol),
        ws="none",
        lifespan="off",
        log_config=None,  # its lines go where all do
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(gateway.server.drain_seconds),
    )
    limits, tls = gateway.server.limits, gateway.tls
    sys.setswitchinterval(SWITCH_SECONDS)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(_reload(gateway)))
    _allow_files(limits.connections + OWN_FILES)
    keep_large_blocks_apart()
    sys.set_int_max_str_digits(LONGEST_NUMBER)
    async with gateway.running():
        # Long-lived objects leave the collector's sight; fewer, larger collections after that.
        gc.collect()
        give_back_memory()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        more = [listening.dup() for _ in range(ACCEPTED - 1)]
        sweeping = asyncio.create_task(connections.keep_sweeping())
        try:
            await _Server(settings, ready, tls, gateway).serve([listening, *more])
        finally:
            sweeping.cancel()


def _allow_files(wanted: int) -> None:
    """As many descriptors as `wanted`, or as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


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
    except (OSError, ValueError, OverflowError) as error:
        listening.close()
        why = error.strerror if isinstance(error, OSError) else "it is no address"
        raise ConfigError(
            f"Cannot listen on {_bracketed(server.host)}:{server.port}: {why}.",
            hint="Choose another with --port, or stop what listens there.",
        ) from error
    return listening


def url_of(listening: socket.socket, *, secure: bool = False) -> str:
    host, port = listening.getsockname()[:2]
    return f"http{'s' if secure else ''}://{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    """As a URL has it: an IPv6 address holds colons itself."""
    return f"[{host}]" if ":" in host else host
