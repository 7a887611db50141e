"""A hot route: what all of them do before and after their work."""

from __future__ import annotations

import asyncio
import copy
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from starlette.types import Receive, Scope, Send

from shortstop import dialects
from shortstop.errors import ShortstopError
from shortstop.faults import contained
from shortstop.server.auth import caller_in
from shortstop.server.body import Disconnected, Headers, read_body
from shortstop.server.caller import party_of
from shortstop.server.capacity import Capacity, holder_of
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.idempotency import replay_of, send_again
from shortstop.server.ids import Ids
from shortstop.server.inflight import InFlight
from shortstop.server.watch import Watch
from shortstop.types import Admission, Caller, DialectName, Json, Request

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that was read. `answer` sends the answer through the exchange, and needs the
    admission that only the key's limits give. It raises ShortstopError. `asks`: a model will be
    asked, so that the request's tokens count too."""

    request: Request
    caller: Caller
    answer: Callable[[Admission], Awaitable[None]]
    asks: bool = True


Work = Callable[[Json, Caller, Headers, Exchange], Awaitable[Incoming]]
"""Parsed body, whose key it is, headers -> what was asked. Raises ShortstopError. Between reading
and answering the route counts the request, so that no kind of work can forget to."""


COME_BACK_LATER = (429, 503)
PENALTY_SECONDS = 0.5
"""What a party with many requests under way waits for the refusal of a further one: refusals cost
too, and who does not heed them would have the gateway do nothing else."""


class HotRoute:
    """One endpoint as a plain ASGI application; errors are told in `dialect`."""

    def __init__(
        self,
        gateway: Gateway,
        capacity: Capacity,
        in_flight: InFlight,
        dialect: DialectName,
        work: Work,
    ) -> None:
        self._in_flight = in_flight
        self._gateway = gateway
        self._capacity = capacity
        self._dialect: DialectName = dialect
        self._work = work
        self._id = Ids()
        self._identify: Callable[[Scope], Caller] = partial(caller_in, gateway)

    def asked_by(self, identify: Callable[[Scope], Caller]) -> HotRoute:
        """The same work in the same places, for callers who are known otherwise."""
        other = copy.copy(self)
        other._identify = identify
        return other

    def in_background(
        self, identify: Callable[[Scope], Caller], heard: Callable[[Incoming], None]
    ) -> HotRoute:
        """The same for what no client waits for; `heard` is told what was read of it."""
        other, work = self.asked_by(identify), self._work

        async def quietly(
            body: Json, caller: Caller, headers: Headers, exchange: Exchange
        ) -> Incoming:
            exchange.party = exchange.party._replace(background=True)
            asked = await work(body, caller, headers, exchange)
            heard(asked)
            return asked

        other._work = quietly
        return other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = self._begin(send)
        try:
            await self._serve(scope, receive, exchange)
        except Disconnected:
            return
        except ShortstopError as error:
            self._count(error)
            if error.status in COME_BACK_LATER and self._in_flight.floods(exchange.party):
                await asyncio.sleep(PENALTY_SECONDS)
            await exchange.fail(error)
        except Exception as error:
            # The text of an unforeseen error may hold the prompt: its kind and place are logged.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("request %s failed: %s\n%s", exchange.id, type(error).__name__, place)
            await exchange.fail(ShortstopError("An internal error occurred."))

    async def refuse(self, send: Send, error: ShortstopError) -> None:
        """Tell the error, reading nothing."""
        self._count(error)
        await self._begin(send).fail(error)

    def _count(self, error: ShortstopError) -> None:
        with contained("counting a refusal"):
            self._gateway.refused(error.status)

    def _begin(self, send: Send) -> Exchange:
        return Exchange(send, dialects.get(self._dialect), self._id())

    async def _serve(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        known, headers = self._identify(scope), dict(scope["headers"])
        exchange.party = party_of(known, scope.get("client"))
        with self._capacity.share(holder_of(known, scope)) as share:
            body = await read_body(headers, receive, self._gateway.server, share)
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
        replay = await replay_of(headers, known, path, body, self._gateway.accounts.answers)
        if replay is None:
            await self._in_turn(body, known, headers, receive, exchange)
            return
        if replay.kept is not None:
            await self._gateway.count(known)
            await send_again(replay.kept, exchange.send)
            return
        exchange.send = replay.listening(exchange.send)
        try:
            await self._in_turn(body, known, headers, receive, exchange)
        finally:
            with contained("keeping an answer for a retry"):
                await replay.close(keepable=exchange.keepable, conversation=exchange.conversation)

    async def _in_turn(
        self, body: bytes, known: Caller, headers: Headers, receive: Receive, exchange: Exchange
    ) -> None:
        """Work in one of the places, once it is this party's turn. Whoever has not sent the body
        yet takes none."""
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
            parsed = await self._capacity.parse(body)
            asked = await self._work(parsed, known, headers, exchange)
            admission = await self._admitted(asked)
            exchange.limits = admission.headers
            await asked.answer(admission)
        except asyncio.CancelledError:
            if not watch.gone:
                raise
        finally:
            watch.stop()

    async def _admitted(self, asked: Incoming) -> Admission:
        if asked.asks:
            return await self._gateway.admit(asked.request, asked.caller)
        return await self._gateway.count(asked.caller)
