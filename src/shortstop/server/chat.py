"""Chat in any dialect: one request, answered whole or as an event stream."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from shortstop.dialects import StatefulDialect
from shortstop.faults import contained
from shortstop.server.body import Headers
from shortstop.server.caller import caller_of, with_betas, with_headers
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.route import Incoming, Work
from shortstop.server.stored_responses import ResponseTurn
from shortstop.types import Admission, Caller, Json, Request


def request_in(body: Json, headers: Headers, exchange: Exchange) -> Request:
    """Raises InvalidRequest."""
    request = with_betas(exchange.dialect.decode_request(body, exchange.id), headers)
    return replace(request, party=exchange.party)


def request_of(turn: ResponseTurn, exchange: Exchange) -> Request:
    """Raises InvalidRequest."""
    request = exchange.dialect.decode_request(turn.body, exchange.id)
    return replace(request, continues=turn.previous, stored=turn.wanted, party=exchange.party)


def chat_work(gateway: Gateway) -> Work:
    """POST to a dialect's route."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> Incoming:
        dialect, request = exchange.dialect, request_in(body, headers, exchange)
        if names := gateway.forwards:
            request = with_headers(request, headers, names)
        caller = caller_of(caller, headers, request)

        async def answer(admission: Admission) -> None:
            made = await gateway.answer(request, caller, admission)
            if made.reply is not None:
                await exchange.whole(made, dialect.encode_reply(made.reply, request))
            else:
                encoder = dialect.stream_encoder(request, created=made.created)
                await exchange.stream(made, encoder, gateway.server.ping_seconds)

        return Incoming(request, caller, answer)

    return work


def stateful_work(gateway: Gateway, dialect: StatefulDialect) -> Work:
    """The same for a stateful dialect: a turn that may be stored for the next one."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> Incoming:
        turn = await ResponseTurn.begun(gateway.responses, caller, body)
        request = request_of(turn, exchange)
        if names := gateway.forwards:
            request = with_headers(request, headers, names)
        caller = caller_of(caller, headers, request)

        async def keep(response: Json | None) -> None:
            if response is not None:
                with contained("storing a response"):
                    await turn.keep(caller, response)

        async def answer(admission: Admission) -> None:
            made = await gateway.answer(request, caller, admission)
            if made.reply is not None:
                response = dialect.response(made.reply, request)
                encoded = msgspec.json.encode(response)
                await exchange.whole(made, encoded, lambda: keep(response))
            else:
                encoder = dialect.stream_encoder(request, created=made.created)
                ping_seconds = gateway.server.ping_seconds
                await exchange.stream(made, encoder, ping_seconds, lambda: keep(encoder.response))

        return Incoming(request, caller, answer)

    return work
