"""OpenAI Chat Completions (platform.openai.com/docs/api-reference/chat)."""

from __future__ import annotations

import time

import msgspec

from shortstop.dialects.openai.describe import DESCRIPTION, NAME
from shortstop.dialects.openai.errors import decode_error, encode_error
from shortstop.dialects.openai.request_in import request_in
from shortstop.dialects.openai.request_out import adapted, request_out
from shortstop.dialects.openai.stream import OpenAIChatDecoder, OpenAIChatEncoder
from shortstop.dialects.openai.wire import (
    choice_from,
    choice_out,
    is_legacy,
    usage_from,
    usage_out,
    with_usage,
)
from shortstop.dialects.parsing import parse_answer
from shortstop.dialects.validate import validate_choices
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed
from shortstop.types import Json, Reply, Request

_ENCODE = msgspec.json.Encoder().encode


class OpenAIChat:
    """Implements ports.Dialect."""

    description = DESCRIPTION

    def decode_request(self, body: Json, id: str) -> Request:
        return request_in(body, id)

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == NAME and request.body:
            body = adapted({**request.body, "model": model})
        else:
            body = request_out(request, model)
        return _ENCODE(with_usage(body) if request.stream else body)

    def decode_reply(self, body: bytes) -> Reply:
        return parse_answer(body, _reply, "a chat completion")

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        if reply.dialect == NAME and reply.body is not None:
            return _ENCODE({**reply.body, "model": request.model})
        sampling, legacy = request.sampling, is_legacy(request)
        alternatives = (sampling.top_logprobs or 0) if sampling.logprobs else None
        return _ENCODE(
            {
                "id": f"chatcmpl-{request.id}",
                "object": "chat.completion",
                "created": reply.created or int(time.time()),
                "model": request.model,
                "choices": [choice_out(c, alternatives, legacy=legacy) for c in reply.choices],
                "usage": usage_out(reply.usage),
            }
        )

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        return decode_error(status, body, retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return encode_error(error)

    def stream_decoder(self) -> OpenAIChatDecoder:
        return OpenAIChatDecoder()

    def stream_encoder(self, request: Request, created: int) -> OpenAIChatEncoder:
        return OpenAIChatEncoder(request, created)


def _reply(tree: Json) -> Reply:
    if not tree["choices"]:
        raise UpstreamFailed("The model's answer holds no choice.")
    return Reply(
        id=tree.get("id") or "",
        model=tree.get("model") or "",
        choices=validate_choices(tuple([choice_from(c) for c in tree["choices"]])),
        usage=usage_from(tree.get("usage")),
        created=tree.get("created") or 0,
        dialect=NAME,
        body=tree,
    )
