"""Chat in any dialect: one request, answered whole or as an event stream."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from shortstop.dialects import StatefulDialect
from shortstop.server.body import Headers
from shortstop.server.caller import caller_of, with_betas
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.route import Work
from shortstop.server.stored_responses import ResponseTurn
from shortstop.types import Answer, Caller, Json, Request


def chat_work(gateway: Gateway) -> Work:
    """POST to a dialect's route."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> None:
        dialect = exchange.dialect
        request = with_betas(dialect.decode_request(body, exchange.id), headers)
        request = replace(request, party=exchange.party)
        answer = await _answer(gateway, request, caller_of(caller, headers, request), exchange)
        if answer.reply is not None:
            await exchange.whole(answer, dialect.encode_reply(answer.reply, request))
        else:
            encoder = dialect.stream_encoder(request, created=answer.created)
            await exchange.stream(answer, encoder, gateway.server.ping_seconds)

    return work


def stateful_work(gateway: Gateway, dialect: StatefulDialect) -> Work:
    """The same for a stateful dialect: a turn that may be stored for the next one."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> None:
        turn = ResponseTurn(gateway.responses, caller, body)
        request = dialect.decode_request(turn.body, exchange.id)
        request = replace(request, continues=turn.previous, party=exchange.party)
        caller = caller_of(caller, headers, request)
        answer = await _answer(gateway, request, caller, exchange)
        response: Json | None
        if answer.reply is not None:
            response = dialect.response(answer.reply, request)
            await exchange.whole(answer, msgspec.json.encode(response))
        else:
            encoder = dialect.stream_encoder(request, created=answer.created)
            await exchange.stream(answer, encoder, gateway.server.ping_seconds)
            response = encoder.response
        if exchange.keepable and response is not None:
            turn.keep(caller, response)

    return work


async def _answer(gateway: Gateway, request: Request, caller: Caller, exchange: Exchange) -> Answer:
    admission = gateway.admit(request, caller)
    exchange.limits = admission.headers
    return await gateway.answer(request, caller, admission)
