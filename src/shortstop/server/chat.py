"""The hot routes: one request in a dialect, answered whole or as an event stream."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from typing import Any

from starlette.types import Receive, Scope, Send

from shortstop.dialects import parse_object
from shortstop.errors import ShortstopError
from shortstop.server.body import Disconnected, Headers, read_body
from shortstop.server.caller import caller_of, secret_of, with_betas
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.memory import Turn
from shortstop.server.replay import replay_of, send_again
from shortstop.types import Caller, DialectName, Request

log = logging.getLogger(__name__)

WATCH_AFTER = 0.02
"""Seconds. A client that leaves earlier is noticed then."""


class ChatRoute:
    """One dialect's endpoint as a plain ASGI application."""

    def __init__(self, gateway: Gateway, dialect: DialectName) -> None:
        self._gateway = gateway
        self._name: DialectName = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = f"req_{os.urandom(16).hex()}"
        exchange = Exchange(send, self._gateway.dialect(self._name), request_id)
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

    async def refuse(self, send: Send, error: ShortstopError) -> None:
        self._gateway.refused(error.status)
        exchange = Exchange(send, self._gateway.dialect(self._name), f"req_{os.urandom(16).hex()}")
        await exchange.fail(error)

    async def _exchange(
        self, headers: Headers, receive: Receive, send: Send, exchange: Exchange
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
        self, body: bytes, known: Caller, headers: Headers, receive: Receive, exchange: Exchange
    ) -> None:
        said = parse_object(body)
        turn: Turn | None = None
        if self._name == "openai.responses":
            turn = Turn(self._gateway.responses, known, said)
            said, exchange.send = turn.body, turn.listening(exchange.send)
        request = exchange.dialect.decode_request(said, exchange.id)
        if self._name == "anthropic.messages":
            request = with_betas(request, headers)
        caller = caller_of(known, headers, request)
        exchange.limits = self._gateway.admit(request, caller)
        await self._respond(request, caller, receive, exchange)
        if turn is not None:
            turn.keep()

    async def _respond(
        self, request: Request, caller: Caller, receive: Receive, exchange: Exchange
    ) -> None:
        """Answer; a client that leaves cancels everything that was begun for it."""
        task = asyncio.current_task()
        assert task is not None
        watch = Watch(receive, task)
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


class Watch:
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
