"""One HTTP/1.1 connection to a model, and a pool of them.

Our own because the client dominates the cost of the hot path: a general-purpose one takes two to
three times as much CPU a request and 14 MB of memory (docs/benchmarks.md). It does what models need
and no more: POST with a whole body, a response whole or in pieces, keep-alive, back-pressure.
No redirects, no cookies, no compression; parsing is llhttp's (`httptools`). How a connection is
made is `serving/way.py`'s subject.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from typing import cast

import httptools

HIGH_WATER = 1 << 18
"""Bytes that may wait for the reader before the sender is slowed down."""
MAX_HEAD = 1 << 16
"""Bytes of a response's header names and values, interim responses and trailers included. As many
may a head have that is not complete yet, and the framing of a body beside its content."""
MAX_PIECES, LEAST_PIECE = 16_384, 16
"""Chunks of a body that may be of any size, and bytes of an average one beyond them."""
FRAMING = 8
"""Bytes of framing that a byte of content may come with: a chunk may be short."""
IDLE_SECONDS = 30.0
"""How long an idle connection is kept; most servers close theirs later."""
LONGEST_LIFE = 120.0
"""Seconds after which a connection is not used again: a name may lead elsewhere by then."""


class Broken(Exception):
    """The connection ended, or what arrived is not HTTP. `stale`: before any response began."""

    def __init__(self, reason: str, *, stale: bool = False) -> None:
        super().__init__(reason)
        self.stale = stale


class Connection(asyncio.Protocol):
    """Carries one exchange at a time: `send`, then `read` until it returns b"".

    Every wait has a limit in seconds and raises TimeoutError after it. Raises Broken.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._broken: Broken | None = None
        self.idle_since = 0.0
        self.made_at = loop.time()
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers: dict[str, str] = {}
        self._head_size = 0
        self._unframed = 0
        self._content = self._pieces = 0
        self._parts: deque[bytes] = deque()
        self._waiting = 0
        self._complete = False
        self._keep = False
        self._head: asyncio.Future[None] | None = None
        self._more: asyncio.Future[None] | None = None

    # ------------------------------------------------------------ the exchange

    async def send(self, request: bytes, limit: float) -> None:
        """Send a request and wait for the response's head. Raises Broken, TimeoutError."""
        if self._broken is not None:
            raise self._broken
        self._begin()
        assert self._transport is not None
        self._head = self._loop.create_future()
        self._transport.write(request)
        await self._within(limit, self._head)

    async def read(self, limit: float) -> bytes:
        """The next piece of the body, b"" at its end. Raises Broken, TimeoutError."""
        while not self._parts:
            if self._complete:
                return b""
            if self._broken is not None:
                raise self._broken
            self._more = self._loop.create_future()
            await self._within(limit, self._more)
        data = b"".join(self._parts) if len(self._parts) > 1 else self._parts[0]
        self._parts.clear()
        if self._waiting > HIGH_WATER and self._transport is not None:
            self._transport.resume_reading()
        self._waiting = 0
        return data

    async def _within(self, limit: float, waiter: asyncio.Future[None]) -> None:
        """A timer costs a tenth of `asyncio.timeout`, and every request waits several times."""
        timer = self._loop.call_later(limit, _expire, waiter)
        try:
            await waiter
        finally:
            timer.cancel()

    @property
    def reusable(self) -> bool:
        """Whether the exchange ended cleanly and the server keeps the connection open."""
        return self._complete and self._keep and self._broken is None

    def close(self) -> None:
        """Abort at once, so that the server notices that its client has left."""
        if self._transport is not None:
            self._transport.abort()

    def drop(self) -> None:
        """Close, and forget what has arrived and will not be read."""
        self.close()
        self._parts.clear()

    # ------------------------------------------------------------ asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        if self._complete or self._head is None:
            self._fail(Broken("the server sent data that no request asked for"))
            return
        content = self._content
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Broken(f"the response is not HTTP ({type(error).__name__})"))
        # llhttp hands on what is complete: the rest would pile up in it unseen.
        if not self._complete and self._content == content:
            self._unframed += len(data)
            if self._unframed > MAX_HEAD + FRAMING * content:
                self._fail(Broken("the response's head or framing is too large"))
        if self._more is not None and (self._parts or self._complete):
            _wake(self._more)

    def connection_lost(self, error: Exception | None) -> None:
        unframed = "content-length" not in self.headers and "transfer-encoding" not in self.headers
        if self.status and unframed:
            self._complete = True  # such a body ends with the connection (RFC 9112, 6.3)
        self._fail(Broken(_end(error), stale=self.status == 0))

    def _fail(self, broken: Broken) -> None:
        self._broken = self._broken or broken
        self.close()
        for waiter in (self._head, self._more):
            if waiter is None or waiter.done():
                continue
            if waiter is self._head:
                waiter.set_exception(broken)
            else:
                waiter.set_result(None)

    # ------------------------------------------------------------ llhttp's side

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("a second response to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD:
            raise ValueError("the response's head is too large")
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 100:
            raise ValueError("no status")
        if status < 200:
            self.headers.clear()
            return
        self.status = status
        if self._head is not None:
            _wake(self._head)

    def on_body(self, data: bytes) -> None:
        self._pieces += 1
        if self._pieces > MAX_PIECES + self._content // LEAST_PIECE:
            raise ValueError("the body comes in too many small chunks")
        self._parts.append(data)
        self._content += len(data)
        self._waiting += len(data)
        if self._waiting > HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.status:
            self._complete = True
            self._keep = self._parser.should_keep_alive()


def _end(error: Exception | None) -> str:
    """How a connection ended. TLS 1.3 tells only after the handshake that a certificate is wanted,
    or that ours is not good enough."""
    if isinstance(error, ssl.SSLError) and error.reason and "ALERT" in error.reason:
        return f"the server refuses our side of TLS ({error.reason})"
    return "the connection was closed"


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


class Pool:
    """At most `limit` connections to one server, reused newest first; `open` makes one.

    A name is looked up for each new connection, and none is used for ever: so a server that has
    moved is found without a restart.
    """

    def __init__(self, open: Callable[[], Awaitable[Connection]], *, limit: int) -> None:
        self._open = open
        self._idle: list[Connection] = []
        self._closed = False
        self._room = asyncio.Semaphore(limit)

    async def take(self, limit: float, *, fresh: bool = False) -> tuple[Connection, bool]:
        """A connection, made within `limit` seconds, and whether it was used before.

        Raises OSError or UpstreamFailed when none can be made, TimeoutError when it takes too long.
        """
        if self._room.locked():
            async with asyncio.timeout(limit):
                await self._room.acquire()
        else:
            await self._room.acquire()
        try:
            reused = None if fresh else self._reusable()
            if reused is not None:
                return reused, True
            async with asyncio.timeout(limit):
                return await self._open(), False
        except BaseException:
            self._room.release()
            raise

    def _reusable(self) -> Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            young = connection.made_at > now - LONGEST_LIFE
            if connection.reusable and young and connection.idle_since > now - IDLE_SECONDS:
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next exchange, or close it when this one did not end cleanly."""
        self._room.release()
        if connection.reusable and not self._closed:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.drop()

    def close(self) -> None:
        """Close the connections that are idle now, and the others as they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
