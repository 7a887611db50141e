"""Hot routes that answer at once with JSON: embeddings and token counts."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections.abc import Awaitable, Callable

import msgspec
from starlette.types import Receive, Scope, Send

from shortstop.dialects import embeddings, parse_object
from shortstop.errors import ShortstopError
from shortstop.server.body import Disconnected, Headers, read_body
from shortstop.server.caller import caller_of, secret_of, with_betas
from shortstop.server.chat import Watch
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.replay import replay_of, send_again
from shortstop.types import Caller, DialectName, Json

log = logging.getLogger(__name__)

Work = Callable[[Json, Caller, Headers, Exchange], Awaitable[bytes]]
"""Parsed body, caller, headers, exchange -> the answer's JSON. Raises ShortstopError."""


class JsonRoute:
    """One endpoint as a plain ASGI application; errors are told in `dialect`."""

    def __init__(self, gateway: Gateway, dialect: DialectName, work: Work) -> None:
        self._gateway = gateway
        self._dialect: DialectName = dialect
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = self._begin(send)
        try:
            await self._exchange(scope["path"], dict(scope["headers"]), receive, exchange)
        except Disconnected:
            return
        except ShortstopError as error:
            self._gateway.refused(error.status)
            await exchange.fail(error)
        except Exception as error:
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("request %s failed: %s\n%s", exchange.id, type(error).__name__, place)
            await exchange.fail(ShortstopError("An internal error occurred."))

    async def refuse(self, send: Send, error: ShortstopError) -> None:
        self._gateway.refused(error.status)
        await self._begin(send).fail(error)

    def _begin(self, send: Send) -> Exchange:
        id = f"req_{os.urandom(16).hex()}"
        return Exchange(send, self._gateway.dialect(self._dialect), id)

    async def _exchange(
        self, path: str, headers: Headers, receive: Receive, exchange: Exchange
    ) -> None:
        known = self._gateway.identify(secret_of(headers))
        limit = int(self._gateway.server.max_body_mb * 1_000_000)
        body = await read_body(headers, receive, limit)
        replay = replay_of(headers, known, path.encode() + body, self._gateway.accounts.answers)
        if replay is None:
            await self._answer(body, known, headers, receive, exchange)
            return
        if replay.kept is not None:
            await send_again(replay.kept, exchange.send)
            return
        exchange.send = replay.listening(exchange.send)
        try:
            await self._answer(body, known, headers, receive, exchange)
            replay.ok = True
        finally:
            replay.close()

    async def _answer(
        self, body: bytes, known: Caller, headers: Headers, receive: Receive, exchange: Exchange
    ) -> None:
        """Work; a client that leaves cancels it."""
        task = asyncio.current_task()
        assert task is not None
        watch = Watch(receive, task)
        try:
            await exchange.json(await self._work(parse_object(body), known, headers, exchange))
        except asyncio.CancelledError:
            if not watch.gone:
                raise
        finally:
            watch.stop()


def embedding_work(gateway: Gateway) -> Work:
    """POST /v1/embeddings."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> bytes:
        said = embeddings.decode_request(body)
        exchange.limits = gateway.admit(embeddings.neutral(said, exchange.id), caller)
        reply = await gateway.embed(said, exchange.id, caller)
        exchange.limits = {**exchange.limits, "x-shortstop-target": reply.target}
        return embeddings.encode_reply(reply, said)

    return work


def counting_work(gateway: Gateway) -> Work:
    """POST /v1/messages/count_tokens: by the model that is named, or asked first, where it counts
    and may see the text, else an estimate."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> bytes:
        dialect = exchange.dialect
        request = with_betas(
            dialect.decode_request({"max_tokens": 1, **body}, exchange.id), headers
        )
        tokens = await gateway.count_tokens(request, caller_of(caller, headers, request))
        return msgspec.json.encode({"input_tokens": tokens})

    return work
