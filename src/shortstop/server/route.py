"""A hot route: what all of them do before and after their work."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from shortstop import dialects
from shortstop.errors import ShortstopError
from shortstop.server.auth import caller_in
from shortstop.server.body import Disconnected, Headers, read_body
from shortstop.server.capacity import Capacity, holder_of
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.idempotency import replay_of, send_again
from shortstop.server.ids import Ids
from shortstop.server.watch import Watch
from shortstop.types import Admission, Caller, DialectName, Json, Request

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that was read. `answer` sends the answer through the exchange, and needs the
    admission that only the key's limits give. It raises ShortstopError."""

    request: Request
    caller: Caller
    answer: Callable[[Admission], Awaitable[None]]


Work = Callable[[Json, Caller, Headers, Exchange], Incoming]
"""Parsed body, whose key it is, headers -> what was asked. Raises ShortstopError. Between reading
and answering the route counts the request, so that no kind of work can forget to."""


class HotRoute:
    """One endpoint as a plain ASGI application; errors are told in `dialect`."""

    def __init__(
        self, gateway: Gateway, capacity: Capacity, dialect: DialectName, work: Work
    ) -> None:
        self._gateway = gateway
        self._capacity = capacity
        self._dialect: DialectName = dialect
        self._work = work
        self._id = Ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = self._begin(send)
        try:
            await self._serve(scope, receive, exchange)
        except Disconnected:
            return
        except ShortstopError as error:
            self._gateway.refused(error.status)
            await exchange.fail(error)
        except Exception as error:
            # The text of an unforeseen error may hold the prompt: its kind and place are logged.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("request %s failed: %s\n%s", exchange.id, type(error).__name__, place)
            await exchange.fail(ShortstopError("An internal error occurred."))

    async def refuse(self, send: Send, error: ShortstopError) -> None:
        """Tell the error, reading nothing."""
        self._gateway.refused(error.status)
        await self._begin(send).fail(error)

    def _begin(self, send: Send) -> Exchange:
        return Exchange(send, dialects.get(self._dialect), self._id())

    async def _serve(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        known, headers = caller_in(self._gateway, scope), dict(scope["headers"])
        with self._capacity.share(holder_of(known, scope)) as share:
            body = await read_body(headers, receive, self._gateway.server, share)
            # Whoever has not sent the body yet takes nobody's place.
            with self._capacity.slot():
                await self._once(scope["path"], body, known, headers, receive, exchange)

    async def _once(
        self,
        path: str,
        body: bytes,
        known: Caller,
        headers: Headers,
        receive: Receive,
        exchange: Exchange,
    ) -> None:
        """Work, or the answer that was kept of the same request."""
        replay = replay_of(headers, known, path, body, self._gateway.accounts.answers)
        if replay is None:
            await self._watched(body, known, headers, receive, exchange)
            return
        if replay.kept is not None:
            self._gateway.count(known)
            await send_again(replay.kept, exchange.send)
            return
        exchange.send = replay.listening(exchange.send)
        try:
            await self._watched(body, known, headers, receive, exchange)
        finally:
            replay.close(keepable=exchange.keepable)

    async def _watched(
        self, body: bytes, known: Caller, headers: Headers, receive: Receive, exchange: Exchange
    ) -> None:
        """Work; a client that leaves cancels everything that was begun for it."""
        task = asyncio.current_task()
        assert task is not None
        watch = Watch(receive, task)
        try:
            parsed = await self._capacity.parse(body)
            asked = self._work(parsed, known, headers, exchange)
            admission = self._gateway.admit(asked.request, asked.caller)
            exchange.limits = admission.headers
            await asked.answer(admission)
        except asyncio.CancelledError:
            if not watch.gone:
                raise
        finally:
            watch.stop()
