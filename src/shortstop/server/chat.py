"""Chat in any dialect: one request, answered whole or as an event stream."""

from __future__ import annotations

from msgspec.structs import replace

from shortstop.server.body import Headers
from shortstop.server.caller import caller_of, with_betas
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.route import Work
from shortstop.server.stored_responses import ResponseTurn
from shortstop.types import Caller, Json, Request


def chat_work(gateway: Gateway) -> Work:
    """POST to a dialect's route."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> None:
        request = with_betas(exchange.dialect.decode_request(body, exchange.id), headers)
        await _answer(gateway, request, caller_of(caller, headers, request), exchange)

    return work


def responses_work(gateway: Gateway) -> Work:
    """The same for a stateful dialect: a turn that may be stored for the next one."""

    async def work(said: Json, known: Caller, headers: Headers, exchange: Exchange) -> None:
        turn = ResponseTurn(gateway.responses, known, said)
        exchange.send = turn.listening(exchange.send)
        request = exchange.dialect.decode_request(turn.body, exchange.id)
        request = replace(request, continues=turn.previous)
        caller = caller_of(known, headers, request)
        await _answer(gateway, request, caller, exchange)
        if exchange.keepable:
            turn.keep(caller)

    return work


async def _answer(gateway: Gateway, request: Request, caller: Caller, exchange: Exchange) -> None:
    admission = gateway.admit(request, caller)
    exchange.limits = admission.headers
    answer = await gateway.answer(request, caller, admission)
    if answer.chunks is None:
        await exchange.whole(answer, request)
    else:
        await exchange.stream(answer, request, gateway.server.ping_seconds)
