"""One response in the making."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

from starlette.types import Send

from shortstop.errors import ShortstopError
from shortstop.ports import Dialect, StreamEncoder
from shortstop.server.ping import Pinger
from shortstop.types import Answer, Request

JSON = (b"content-type", b"application/json")
EVENTS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
POINTLESS = frozenset(["insufficient_quota", "upstream_auth"])
"""Their status alone would make an SDK try again."""
RawHeaders = list[tuple[bytes, bytes]]


class Exchange:
    """One response in the making: knows whether its head has left."""

    def __init__(self, send: Send, dialect: Dialect, id: str) -> None:
        self.send = send
        self.dialect = dialect
        self.id = id
        self.limits: Mapping[str, str] = {}
        self._encoder: StreamEncoder | None = None

    async def json(self, body: bytes) -> None:
        await self._whole(200, self._told(self.limits), body)

    async def whole(self, answer: Answer, request: Request) -> None:
        assert answer.reply is not None
        body = self.dialect.encode_reply(answer.reply, request)
        await self._whole(200, self._headers(answer), body)

    async def stream(self, answer: Answer, request: Request, ping_seconds: float) -> None:
        """Send chunk by chunk. The head leaves with the first one, so no answer goes unwatched."""
        assert answer.chunks is not None
        encoder = self.dialect.stream_encoder(request, created=answer.created)
        async with aclosing(answer.chunks) as chunks:
            pinger = Pinger(self._body, ping_seconds)
            try:
                async for chunk in chunks:
                    if self._encoder is None:
                        await self._head(200, [*EVENTS, *self._headers(answer)])
                        self._encoder = encoder
                    pinger.touch()
                    await self._body(encoder.encode(chunk))
            finally:
                pinger.stop()
        if self._encoder is None:
            await self._head(200, [*EVENTS, *self._headers(answer)])
            self._encoder = encoder
        await self._body(encoder.finish(), more=False)

    async def fail(self, error: ShortstopError) -> None:
        """The error as JSON with its status, or as an event once the stream has begun."""
        if self._encoder is not None:
            await self._body(self._encoder.error(error), more=False)
            return
        headers = self._told({**self.limits, **error.headers})
        if error.code in POINTLESS:
            headers.append((b"x-should-retry", b"false"))
        if error.retry_after is not None:
            headers.append((b"retry-after", str(max(1, round(error.retry_after))).encode()))
            headers.append((b"retry-after-ms", str(round(error.retry_after * 1000)).encode()))
        status = self.dialect.status_of(error)
        await self._whole(status, headers, self.dialect.encode_error(error, self.id))

    def _headers(self, answer: Answer) -> RawHeaders:
        return self._told({**self.limits, **answer.headers} if self.limits else answer.headers)

    def _told(self, headers: Mapping[str, str]) -> RawHeaders:
        told = [(k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()]
        id = self.id.encode()
        return [(b"x-request-id", id), (b"request-id", id), *told]

    async def _whole(self, status: int, headers: RawHeaders, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        await self._head(status, [JSON, length, *headers])
        await self._body(body, more=False)

    async def _head(self, status: int, headers: RawHeaders) -> None:
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, data: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": more})
