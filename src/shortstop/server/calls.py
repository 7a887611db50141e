"""Hot routes that answer at once with JSON: embeddings and token counts."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from shortstop.dialects import embeddings, parse_object
from shortstop.errors import ShortstopError
from shortstop.server.body import Disconnected, Headers, read_body
from shortstop.server.caller import caller_of, conversation_in, secret_of, with_betas
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.types import Caller, DialectName, Json

log = logging.getLogger(__name__)

Work = Callable[[Json, str, Caller, Headers], Awaitable[bytes]]
"""Parsed body, request id, caller, headers -> the answer's JSON. Raises ShortstopError."""


class JsonRoute:
    """One endpoint as a plain ASGI application; errors are told in `dialect`."""

    def __init__(self, gateway: Gateway, dialect: DialectName, work: Work) -> None:
        self._gateway = gateway
        self._dialect: DialectName = dialect
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        id = f"req_{os.urandom(16).hex()}"
        exchange = Exchange(send, self._gateway.dialect(self._dialect), id)
        headers: Headers = dict(scope["headers"])
        try:
            known = self._gateway.identify(secret_of(headers))
            limit = int(self._gateway.server.max_body_mb * 1_000_000)
            body = parse_object(await read_body(headers, receive, limit))
            await exchange.json(await self._work(body, id, known, headers))
        except Disconnected:
            return
        except ShortstopError as error:
            self._gateway.refused(error.status)
            await exchange.fail(error)
        except Exception as error:
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("request %s failed: %s\n%s", id, type(error).__name__, place)
            await exchange.fail(ShortstopError("An internal error occurred."))

    async def refuse(self, send: Send, error: ShortstopError) -> None:
        self._gateway.refused(error.status)
        exchange = Exchange(
            send, self._gateway.dialect(self._dialect), f"req_{os.urandom(16).hex()}"
        )
        await exchange.fail(error)


def embedding_work(gateway: Gateway) -> Work:
    """POST /v1/embeddings."""

    async def work(body: Json, id: str, caller: Caller, headers: Headers) -> bytes:
        said = embeddings.decode_request(body)
        caller = replace(caller, conversation=conversation_in(headers))
        return embeddings.encode_reply(await gateway.embed(said, id, caller), said)

    return work


def counting_work(gateway: Gateway) -> Work:
    """POST /v1/messages/count_tokens: by the vendor where one is named and may see the text, else
    an estimate."""

    async def work(body: Json, id: str, caller: Caller, headers: Headers) -> bytes:
        dialect = gateway.dialect("anthropic.messages")
        request = with_betas(dialect.decode_request({"max_tokens": 1, **body}, id), headers)
        tokens = await gateway.count_tokens(request, caller_of(caller, headers, request))
        return msgspec.json.encode({"input_tokens": tokens})

    return work
