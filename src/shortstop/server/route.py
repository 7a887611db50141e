"""A hot route: what all of them do before and after their work."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from shortstop import dialects
from shortstop.dialects import parse_object
from shortstop.errors import MethodNotAllowed, ShortstopError
from shortstop.server.auth import secret_of
from shortstop.server.body import Disconnected, Headers, read_body
from shortstop.server.caller import party_of
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.idempotency import replay_of, send_again
from shortstop.server.ids import Ids
from shortstop.server.inflight import InFlight
from shortstop.server.watch import Watch
from shortstop.types import Caller, DialectName, Json

log = logging.getLogger(__name__)

Work = Callable[[Json, Caller, Headers, Exchange], Awaitable[None]]
"""Parsed body, whose key it is, headers -> an answer sent through the exchange. Raises
ShortstopError."""


COME_BACK_LATER = (429, 503)
PENALTY_SECONDS = 0.5
"""What a party with many requests under way waits for the refusal of a further one: refusals cost
too, and who does not heed them would have the gateway do nothing else."""


class HotRoute:
    """One endpoint as a plain ASGI application; errors are told in `dialect`."""

    def __init__(
        self, gateway: Gateway, dialect: DialectName, work: Work, in_flight: InFlight
    ) -> None:
        self._in_flight = in_flight
        self._gateway = gateway
        self._dialect: DialectName = dialect
        self._work = work
        self._id = Ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(send, dialects.get(self._dialect), self._id())
        try:
            if scope["method"] != "POST":
                raise _only_post(scope["method"])
            await self._serve(scope, receive, exchange)
        except Disconnected:
            return
        except ShortstopError as error:
            self._gateway.refused(error.status)
            if error.status in COME_BACK_LATER and self._in_flight.floods(exchange.party):
                await asyncio.sleep(PENALTY_SECONDS)
            await exchange.fail(error)
        except Exception as error:
            # The text of an unforeseen error may hold the prompt: its kind and place are logged.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("request %s failed: %s\n%s", exchange.id, type(error).__name__, place)
            await exchange.fail(ShortstopError("An internal error occurred."))

    async def _serve(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        headers = dict(scope["headers"])
        known = self._gateway.identify(secret_of(headers))
        exchange.party = party_of(known, scope["client"])
        body = await read_body(headers, receive, int(self._gateway.server.max_body_mb * 1_000_000))
        replay = replay_of(headers, known, scope["path"], body, self._gateway.accounts.answers)
        if replay is None:
            await self._in_turn(body, known, headers, receive, exchange)
            return
        if replay.kept is not None:
            await send_again(replay.kept, exchange.send)
            return
        exchange.send = replay.listening(exchange.send)
        try:
            await self._in_turn(body, known, headers, receive, exchange)
        finally:
            replay.close(keepable=exchange.keepable)

    async def _in_turn(
        self, body: bytes, known: Caller, headers: Headers, receive: Receive, exchange: Exchange
    ) -> None:
        """Work in one of the places, once it is this party's turn."""
        gate, party = self._in_flight, exchange.party
        gate.follow()
        if not gate.try_enter(party):
            await gate.enter(party)
        try:
            if not gate.pace.try_begin():
                await gate.pace.begin(party)
            await self._watched(body, known, headers, receive, exchange)
        finally:
            gate.leave(party)

    async def _watched(
        self, body: bytes, known: Caller, headers: Headers, receive: Receive, exchange: Exchange
    ) -> None:
        """Work; a client that leaves cancels everything that was begun for it."""
        task = asyncio.current_task()
        assert task is not None
        watch = Watch(receive, task)
        try:
            await self._work(parse_object(body), known, headers, exchange)
        except asyncio.CancelledError:
            if not watch.gone:
                raise
        finally:
            watch.stop()


def _only_post(method: str) -> MethodNotAllowed:
    return MethodNotAllowed(f"{method} is not allowed here.", headers={"allow": "POST"})
