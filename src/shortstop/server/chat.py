"""The hot routes: one request in a dialect, answered whole or as an event stream."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from starlette.types import Receive, Scope, Send

from shortstop.dialects import parse_object
from shortstop.errors import ShortstopError
from shortstop.ports import Dialect, StreamEncoder
from shortstop.server.body import Disconnected, Headers, read_body
from shortstop.server.caller import caller_of, secret_of
from shortstop.server.gateway import Gateway
from shortstop.server.ping import Pinger
from shortstop.server.replay import replay_of, send_again
from shortstop.types import Answer, Caller, DialectName, Request

log = logging.getLogger(__name__)

JSON = (b"content-type", b"application/json")
EVENTS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
WATCH_AFTER = 0.02
"""Seconds. A client that leaves earlier is noticed then."""
RawHeaders = list[tuple[bytes, bytes]]


class ChatRoute:
    """One dialect's endpoint as a plain ASGI application."""

    def __init__(self, gateway: Gateway, dialect: DialectName) -> None:
        self._gateway = gateway
        self._name: DialectName = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = f"req_{os.urandom(16).hex()}"
        exchange = _Exchange(send, self._gateway.dialect(self._name), request_id)
        try:
            await self._exchange(dict(scope["headers"]), receive, send, exchange)
        except Disconnected:
            return
        except ShortstopError as error:
            self._gateway.refused(error.status)
            await exchange.fail(error)
        except Exception as error:
            # The text of an unforeseen error may hold the prompt: its kind and place are logged.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("request %s failed: %s\n%s", request_id, type(error).__name__, place)
            await exchange.fail(ShortstopError("An internal error occurred."))

    async def _exchange(
        self, headers: Headers, receive: Receive, send: Send, exchange: _Exchange
    ) -> None:
        known = self._gateway.identify(secret_of(headers))
        body = await read_body(headers, receive, int(self._gateway.server.max_body_mb * 1_000_000))
        asked = self._name.encode() + body
        replay = replay_of(headers, known, asked, self._gateway.accounts.answers)
        if replay is None:
            await self._answer(body, known, headers, receive, exchange)
            return
        if replay.kept is not None:
            await send_again(replay.kept, send)
            return
        exchange.send = replay.listening(send)
        try:
            await self._answer(body, known, headers, receive, exchange)
            replay.ok = True
        finally:
            replay.close()

    async def _answer(
        self, body: bytes, known: Caller, headers: Headers, receive: Receive, exchange: _Exchange
    ) -> None:
        request = exchange.dialect.decode_request(parse_object(body), exchange.id)
        caller = caller_of(known, headers, request)
        exchange.limits = self._gateway.admit(request, caller)
        await self._respond(request, caller, receive, exchange)

    async def _respond(
        self, request: Request, caller: Caller, receive: Receive, exchange: _Exchange
    ) -> None:
        """Answer; a client that leaves cancels everything that was begun for it."""
        task = asyncio.current_task()
        assert task is not None
        watch = _Watch(receive, task)
        try:
            answer = await self._gateway.answer(request, caller)
            if answer.chunks is None:
                await exchange.whole(answer, request)
            else:
                await exchange.stream(answer, request, self._gateway.server.ping_seconds)
        except asyncio.CancelledError:
            if not watch.gone:
                raise
        finally:
            watch.stop()


class _Exchange:
    """One response in the making: knows whether its head has left."""

    def __init__(self, send: Send, dialect: Dialect, id: str) -> None:
        self.send = send
        self.dialect = dialect
        self.id = id
        self.limits: Mapping[str, str] = {}
        self._encoder: StreamEncoder | None = None

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
        if error.retry_after is not None:
            headers.append((b"retry-after", str(max(1, round(error.retry_after))).encode()))
            headers.append((b"retry-after-ms", str(round(error.retry_after * 1000)).encode()))
        await self._whole(error.status, headers, self.dialect.encode_error(error, self.id))

    def _headers(self, answer: Answer) -> RawHeaders:
        return self._told({**self.limits, **answer.headers} if self.limits else answer.headers)

    def _told(self, headers: Mapping[str, str]) -> RawHeaders:
        told = [(k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()]
        return [(b"x-request-id", self.id.encode()), *told]

    async def _whole(self, status: int, headers: RawHeaders, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        await self._head(status, [JSON, length, *headers])
        await self._body(body, more=False)

    async def _head(self, status: int, headers: RawHeaders) -> None:
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, data: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": more})


class _Watch:
    """Cancels a task when its client leaves. Most answers are there before it begins to look."""

    def __init__(self, receive: Receive, task: asyncio.Task[Any]) -> None:
        self._receive = receive
        self._task = task
        self._looking: asyncio.Task[None] | None = None
        self.gone = False
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._begin)

    def stop(self) -> None:
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()

    def _begin(self) -> None:
        self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._task.cancel()
