"""How a connection to a server is made: over the network, through a proxy, or by a Unix socket;
and by whose certificates the server is known."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult

from shortstop.config import ProxyAddress
from shortstop.errors import UpstreamFailed
from shortstop.serving.connection import Connection
from shortstop.serving.tunnel import Tunnel


@dataclass(frozen=True, slots=True)
class Way:
    """`tls` of None trusts whom the system trusts, and shows no certificate."""

    proxy: ProxyAddress | None = None
    socket: str | None = None
    tls: ssl.SSLContext | None = None


DIRECT = Way()


def opener(url: SplitResult, way: Way) -> Callable[[], Awaitable[Connection]]:
    """What makes connections to the server of `url`. The name is looked up each time.

    It raises OSError, and UpstreamFailed for a proxy that gives no way.
    """
    host, secure = url.hostname or "", url.scheme == "https"
    port = url.port or (443 if secure else 80)
    path = None if way.socket is None else os.path.expanduser(way.socket)

    async def connect() -> Connection:
        loop = asyncio.get_running_loop()
        context = (way.tls or trusted()) if secure else None
        if way.proxy is not None:
            return await _tunnelled(way.proxy, host, port, context)
        name = host if secure else None
        if path is not None:
            _, connection = await loop.create_unix_connection(
                lambda: Connection(loop), path, ssl=context, server_hostname=name
            )
            return connection
        _, connection = await loop.create_connection(
            lambda: Connection(loop), host, port, ssl=context
        )
        return connection

    return connect


async def _tunnelled(
    proxy: ProxyAddress, host: str, port: int, context: ssl.SSLContext | None
) -> Connection:
    """TLS is between us and the server: the proxy sees a name and bytes."""
    loop = asyncio.get_running_loop()
    try:
        transport, tunnel = await loop.create_connection(
            lambda: Tunnel(loop, host, port, proxy.authorization), proxy.host, proxy.port
        )
    except OSError as error:
        raise UpstreamFailed(
            f"The proxy of this upstream cannot be reached ({type(error).__name__}).",
            code="proxy_failed",
        ) from error
    try:
        await tunnel.granted
        if transport.is_closing():
            raise ConnectionResetError
        connection = Connection(loop)
        if context is None:
            transport.set_protocol(connection)
            connection.connection_made(transport)
            return connection
        secured = await loop.start_tls(transport, connection, context, server_hostname=host)
        if secured is None:
            raise ConnectionResetError
        connection.connection_made(secured)
        return connection
    except BaseException:
        transport.abort()
        raise


@cache
def trusted() -> ssl.SSLContext:
    """Those whom the system trusts."""
    return ssl.create_default_context()
