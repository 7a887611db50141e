"""uvicorn's HTTP protocol with bounds: on heads, trailers and framing while they arrive, on
requests ahead of their answers, on time, and on clients that do not read.

uvicorn bounds the body that waits for the application, and nothing else. What is counted here is
counted from the bytes as they arrive, for llhttp hands a header on only when it is complete.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from shortstop.errors import HeadTooLarge, InvalidRequest, ShortstopError, TooSlow
from shortstop.server import older
from shortstop.server.connections import Connections
from shortstop.server.sender import sending_itself
from shortstop.server.turn_transport import TurnTransport

VERSIONS = ("1.1", older.VERSION)
MAX_AHEAD = 8
"""Requests that may be sent ahead of the answers to those before them."""
MAX_PIECES = 16_384
"""Chunks of a body that may be as small as they like."""
LEAST_PIECE = 256
"""Bytes of an average chunk of a body with more chunks than that."""
LINGER = 5.0
"""Seconds for a client to read a refusal, or to end a body that nobody reads."""
MOST_DISCARDED = 1_000_000
"""Bytes that a refused client may still send while it has not read its refusal."""
PAUSE = 0.02
"""Seconds between two pieces of a body that nobody reads: 10 MB a second are enough for a client
that reads its answer only when it has sent everything, and no more than that is worth it."""
LEAST_TAKEN = 1000
"""Bytes a second of an answer that its client must take."""
STILL_THERE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""What a client may be told at any time before its answer (RFC 9110, 15.2), and reads past."""
PROBED = 0.05
"""Seconds after which a client that has closed its side is told something again."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection, one of `connections`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._house = connections
        self._limits = connections.limits
        self._since = self.loop.time()
        """When the present head or body began, or the client fell silent."""
        self._in_head = True
        """Whether the head of a request is awaited or arriving; else its body is."""
        self._feed = 0
        """Bytes that arrived last."""
        self._partial = 0
        """Bytes of an incomplete head, or of framing and trailers of a body."""
        self._heads = 0
        self._body = self._pieces = self._trailers = 0
        """Bytes and pieces of the present body, and bytes of its trailers."""
        self._window = 0
        """Bytes of the body at `_since`."""
        self._unread: tuple[float, int] | None = None
        """Since when the client has left how many bytes of its answer unread."""
        self._refused = False
        self._half_closed = False
        """Whether the client has closed its side and waits for its answers."""
        self._answered: Any = None
        """The cycle of the request that is being answered; `cycle` is the one that came last."""

    # ------------------------------------------------------------ asyncio's side

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._out = TurnTransport(transport, self.loop)
        super().connection_made(self._out)
        self._house.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.leave(self)
        super().connection_lost(exc)
        if self._answered is not None:
            _desert(self._answered)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client has closed its side: it has left, or it has said all and waits for what it
        asked. Which of the two shows when it is told something: who has left refuses it."""
        if not self._half_closed and self._has_said_all():
            self._half_closed = True
            self._address()
            self.loop.call_later(PROBED, self._address)
        return self._half_closed

    def _has_said_all(self) -> bool:
        """Whether whole requests wait for answers, of which none has begun. Whoever closes its
        side while it is answered has left, and so has an old proxy, which cannot be asked."""
        cycle = self._answered
        return (
            cycle is not None
            and not (cycle.response_started or self._refused or self._partial)
            and self._in_head
            and cycle.scope["http_version"] != older.VERSION
            and self.scheme == "http"  # TLS has no half of a connection
        )

    def _address(self) -> None:
        """Tell the client something. The first time its machine says whether it has left, and the
        next time this connection breaks if it has."""
        if not (self._answered.response_started or self.transport.is_closing()):
            self.transport.write(STILL_THERE)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._discard(len(data))
            return
        in_head, heads, body = self._in_head, self._heads, self._body
        self._feed = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # answered as if it had not asked (RFC 9110, 7.8)
        except httptools.HttpParserError as error:
            self.refuse(_reason(error))
            return
        if self._in_head:
            if in_head and self._heads == heads:
                self._count(len(data))
        elif self._heads == heads:
            self._count(len(data) - (self._body - body))

    def _discard(self, size: int) -> None:
        self._partial += size
        if self._partial > MOST_DISCARDED:
            self.flow.pause_reading()

    def _count(self, size: int) -> None:
        """`size` bytes arrived that are neither a whole head nor content."""
        if not self._partial and self._in_head:
            self._since = self.loop.time()
        self._partial += size
        allowed = self._limits.header_kb * 1000
        # The framing of a chunk may be longer than what is in it.
        if self._partial > allowed + 8 * self._body:
            self.refuse(self._head_too_large())
        elif self in self._house.waiting:
            self._house.waiting.move_to_end(self)

    # ------------------------------------------------------------ llhttp's side

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_AHEAD:
            raise InvalidRequest(
                f"More than {MAX_AHEAD} requests were sent ahead of their answers.",
                hint="Wait for answers before you send more.",
            )
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            self._trailer(len(name) + len(value))
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        if len(self.headers) > self._limits.headers:
            raise self._head_too_large()

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() not in VERSIONS:
            raise InvalidRequest(
                "The request is of a version of HTTP that is not spoken here.",
                hint=f"Send HTTP/{VERSIONS[0]}.",
            )
        if not self.url.startswith(b"/"):
            raise InvalidRequest(
                "The request's target must be a path; this gateway is no proxy for others.",
                hint="Send `POST /v1/...`, and the host in the header `Host`.",
            )
        if self._partial + self._feed > self._limits.header_kb * 1000:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._limits.header_kb * 1000:
                raise self._head_too_large()
        self._in_head = False
        self._heads += 1
        self._partial = self._body = self._pieces = self._trailers = self._window = 0
        self._since = self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        self._pieces += 1
        if self._pieces > MAX_PIECES + self._body // LEAST_PIECE:
            raise InvalidRequest(
                "The body arrives in too many small chunks.",
                hint=f"Send chunks of {LEAST_PIECE} bytes or more.",
            )
        if self.cycle.response_complete:
            self.flow.pause_reading()
            self.loop.call_later(PAUSE, self._read_on)
            return
        super().on_body(body)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._partial = 0
        self._since = self.loop.time()
        if self.cycle.response_complete:
            self._house.waiting[self] = None
        else:
            self._house.waiting.pop(self, None)
        super().on_message_complete()

    def _trailer(self, size: int) -> None:
        """Trailers are read past: they mean nothing here, and must not pass for headers."""
        self._trailers += size + 4
        if self._trailers > self._limits.header_kb * 1000:
            raise self._head_too_large()

    # ------------------------------------------------------------ uvicorn's side

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        if cycle.scope["http_version"] == older.VERSION:
            app = older.ending_with_the_connection(app, cycle)
        app = sending_itself(app, cycle)
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """As uvicorn's, without its timer: the sweep closes idle connections."""
        self._out.flush()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        if self._half_closed:
            self.transport.close()
            return
        self._since = self.loop.time()
        self._house.waiting[self] = None

    def resume_writing(self) -> None:
        self._unread = None
        super().resume_writing()

    # ------------------------------------------------------------ time

    def check(self, now: float) -> None:
        """Refuse or cut this connection where its time is over."""
        self._limits = self._house.limits
        silent = now - self._since
        if self._refused:
            if silent > LINGER:
                self.cut()
        elif self._has_stopped_reading(now):
            self.cut()
        elif self.transport.is_closing():
            pass  # when its client has taken the rest of the answer
        elif self._half_closed:
            self._address()
        elif self.cycle is None or self.cycle.response_complete:
            self._check_head(silent)
        elif not self._in_head:
            self._check_body(now)

    def _check_head(self, silent: float) -> None:
        limits = self._limits
        if not self._in_head:  # answered before the body was there
            if silent > LINGER:
                self.cut()
        elif self._partial or self.cycle is None:
            if silent > limits.head_seconds:
                self.refuse(
                    TooSlow(
                        f"The request's head was not there after {limits.head_seconds:g} seconds.",
                        hint="Send it faster, or raise `server.limits.head_seconds`.",
                    )
                )
        elif silent > limits.keep_alive_seconds:
            self.transport.close()

    def _check_body(self, now: float) -> None:
        """Too slow is whoever has sent less than the least rate for a while."""
        limits = self._limits
        if self.flow.read_paused or now - self._since < limits.stall_seconds:
            return
        least = limits.body_kb_per_second * 1000 * (now - self._since)
        if self._body - self._window >= max(1, least):
            self._since, self._window = now, self._body
        else:
            self.refuse(
                TooSlow(
                    f"The body arrived more slowly than {limits.body_kb_per_second:g} kB a second.",
                    hint="Send it faster, or lower `server.limits.body_kb_per_second`.",
                )
            )

    def _has_stopped_reading(self, now: float) -> bool:
        """Whether the client has taken next to nothing of what waits for it for too long."""
        waiting = self.transport.get_write_buffer_size()
        answered = self.cycle is None or self.cycle.response_complete
        final = answered or self.flow.write_paused or self.transport.is_closing()
        if not waiting or not final:
            self._unread = None
            return False
        if self._unread is None:
            self._unread = now, waiting
            return False
        since, before = self._unread
        if now - since < self._limits.stall_seconds:
            return False
        self._unread = now, waiting
        return before - waiting < min(before, LEAST_TAKEN * (now - since))

    # ------------------------------------------------------------ the end

    def refuse(self, error: ShortstopError) -> None:
        """Tell the error where no answer has begun, and close; what still comes is not read."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._partial = 0
        self._since = self.loop.time()
        cycle = self.cycle
        unanswered = cycle is not None and not cycle.response_complete
        if self._house.may_linger(self) and not self.pipeline:
            if not unanswered or (not cycle.response_started and not self._in_head):
                self.transport.write(self._house.refuse(error, self._path()))
            if self.transport.can_write_eof():
                self.transport.write_eof()
        else:
            self.transport.abort()
        if unanswered:
            _desert(cycle)

    def cut(self) -> None:
        """Close at once."""
        self.transport.abort()

    def _path(self) -> str:
        return getattr(self, "url", b"").decode("latin-1")

    def _head_too_large(self) -> HeadTooLarge:
        limits = self._limits
        what = "head is" if self._in_head else "trailers and the framing of its chunks are"
        return HeadTooLarge(
            f"The request's {what} larger than {limits.header_kb} kB or {limits.headers} headers.",
            hint="Send less, or raise `server.limits.header_kb` or `server.limits.headers`.",
        )


def _desert(cycle: Any) -> None:
    """The application must not go on for whoever is gone."""
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


def _reason(error: httptools.HttpParserError) -> ShortstopError:
    """What a callback raised, or that the bytes are not HTTP."""
    if isinstance(error.__context__, ShortstopError):
        return error.__context__
    return InvalidRequest("The request is not valid HTTP.", hint="See RFC 9112.")
