"""What is answered at once with JSON: embeddings and token counts."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from shortstop.dialects import embeddings
from shortstop.server.body import Headers
from shortstop.server.caller import caller_of, conversation_in, with_betas
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.route import Work
from shortstop.types import Caller, Json


def embedding_work(gateway: Gateway) -> Work:
    """POST /v1/embeddings."""

    async def work(body: Json, known: Caller, headers: Headers, exchange: Exchange) -> None:
        said = embeddings.decode_request(body)
        admission = gateway.admit(embeddings.neutral(said, exchange.id), known)
        exchange.limits = admission.headers
        caller = replace(known, conversation=conversation_in(headers))
        answer = await gateway.embed(said, exchange.id, caller, admission)
        exchange.limits = {**exchange.limits, "x-shortstop-target": answer.target}
        encoded = embeddings.encode_reply(answer.reply, said)
        await exchange.json(encoded, keepable=answer.keepable)

    return work


def counting_work(gateway: Gateway) -> Work:
    """POST /v1/messages/count_tokens: by the model that is named, or asked first, where it counts
    and may see the text, else an estimate."""

    async def work(body: Json, known: Caller, headers: Headers, exchange: Exchange) -> None:
        request = with_betas(
            exchange.dialect.decode_request({"max_tokens": 1, **body}, exchange.id), headers
        )
        tokens = await gateway.count_tokens(request, caller_of(known, headers, request))
        await exchange.json(msgspec.json.encode({"input_tokens": tokens}), keepable=True)

    return work
