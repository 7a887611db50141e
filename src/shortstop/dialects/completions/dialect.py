"""OpenAI's legacy completions (platform.openai.com/docs/api-reference/completions)."""

from __future__ import annotations

import time

import msgspec

from shortstop.dialects.completions.describe import DESCRIPTION, NAME
from shortstop.dialects.completions.request import request_in, request_out
from shortstop.dialects.completions.stream import CompletionsDecoder, CompletionsEncoder
from shortstop.dialects.completions.wire import choice_out, echoed, finish_out, said
from shortstop.dialects.finish import finish_of
from shortstop.dialects.openai.errors import decode_error, encode_error
from shortstop.dialects.openai.wire import usage_out, with_usage
from shortstop.dialects.parsing import parse_answer
from shortstop.dialects.usage import usage_of
from shortstop.dialects.validate import validate_choices
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed
from shortstop.types import Choice, Json, Reply, Request, Text

_ENCODE = msgspec.json.Encoder().encode


class OpenAICompletions:
    """Implements ports.Dialect."""

    description = DESCRIPTION

    def decode_request(self, body: Json, id: str) -> Request:
        return request_in(body, id)

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == NAME and request.body:
            body = {**request.body, "model": model}
        else:
            body = request_out(request, model)
        return _ENCODE(with_usage(body) if request.stream else body)

    def decode_reply(self, body: bytes, salt: object = "") -> Reply:
        return parse_answer(body, _reply, "a completion")

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        if reply.dialect == NAME and reply.body is not None:
            return _ENCODE({**reply.body, "model": request.model})
        echo = echoed(request)
        return _ENCODE(
            {
                "id": f"cmpl-{request.id}",
                "object": "text_completion",
                "created": reply.created or int(time.time()),
                "model": request.model,
                "choices": [
                    choice_out(choice.index, echo + said(choice), finish_out(choice.finish))
                    for choice in reply.choices
                ],
                "usage": usage_out(reply.usage),
            }
        )

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        return decode_error(status, body, retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return encode_error(error)

    def stream_decoder(self, salt: object = "") -> CompletionsDecoder:
        return CompletionsDecoder()

    def stream_encoder(self, request: Request, created: int) -> CompletionsEncoder:
        return CompletionsEncoder(request, created)


def _reply(tree: Json) -> Reply:
    if not tree["choices"]:
        raise UpstreamFailed("The model's answer holds no choice.")
    return Reply(
        id=tree.get("id") or "",
        model=tree.get("model") or "",
        choices=validate_choices(tuple([_choice(c) for c in tree["choices"]])),
        usage=usage_of(tree.get("usage"), answer=tree),
        created=tree.get("created") or 0,
        dialect=NAME,
        body=tree,
    )


def _choice(value: Json) -> Choice:
    text = value["text"]
    return Choice(
        index=value.get("index") or 0,
        parts=(Text(text),) if text else (),
        finish=finish_of(value.get("finish_reason")) or "stop",
    )
