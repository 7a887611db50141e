"""Embeddings and token counts: requests to a model that are answered with one JSON object."""

from __future__ import annotations

from msgspec.structs import replace

from shortstop.dialects import embeddings
from shortstop.server.body import Headers
from shortstop.server.caller import caller_of, conversation_in, with_betas
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.route import Incoming, Work
from shortstop.types import Admission, Caller, Json


def embedding_work(gateway: Gateway) -> Work:
    """POST /v1/embeddings."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> Incoming:
        request = replace(embeddings.decode_request(body), party=exchange.party)
        caller = replace(caller, conversation=conversation_in(headers))

        async def answer(admission: Admission) -> None:
            made = await gateway.embed(request, exchange.id, caller, admission)
            exchange.limits = {**exchange.limits, "x-shortstop-target": made.target}
            encoded = embeddings.encode_reply(made.reply, request)
            await exchange.json(encoded, keepable=made.keepable)

        return Incoming(embeddings.neutral(request, exchange.id), caller, answer)

    return work


def counting_work(gateway: Gateway) -> Work:
    """POST to a dialect's counting route: counted by the named model, or the first to be asked,
    where it can count and may see the text; else estimated."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> Incoming:
        request = with_betas(exchange.dialect.decode_request(body, exchange.id), headers)
        request = replace(request, party=exchange.party)
        counting = exchange.dialect.description.counting
        assert counting is not None, "the dialect's own route"
        caller = caller_of(caller, headers, request)

        async def answer(admission: Admission) -> None:
            tokens = await gateway.count_tokens(request, caller)
            await exchange.json(counting.encode(tokens), keepable=True)

        return Incoming(request, caller, answer)

    return work
