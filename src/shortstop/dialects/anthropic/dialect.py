"""Anthropic Messages (docs.claude.com/en/api/messages)."""

from __future__ import annotations

import msgspec

from shortstop.dialects.anthropic.describe import DESCRIPTION, NAME
from shortstop.dialects.anthropic.errors import decode_error, error_body
from shortstop.dialects.anthropic.request_in import request_in
from shortstop.dialects.anthropic.request_out import DEFAULT_MAX_TOKENS, request_out
from shortstop.dialects.anthropic.stream import AnthropicDecoder, AnthropicEncoder
from shortstop.dialects.anthropic.wire import (
    FINISH_IN,
    block_out,
    finish_out,
    part_from,
    usage_from,
    usage_out,
)
from shortstop.dialects.parsing import parse_answer
from shortstop.dialects.validate import validate_choices
from shortstop.errors import ShortstopError, TargetError
from shortstop.types import Choice, Json, Reply, Request, ToolCall

_ENCODE = msgspec.json.Encoder().encode


class AnthropicMessages:
    """Implements ports.Dialect."""

    description = DESCRIPTION

    def decode_request(self, body: Json, id: str) -> Request:
        return request_in(body, id)

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == NAME and request.body:
            body = {**request.body, "model": model}
            if body.get("max_tokens") is None:
                body["max_tokens"] = DEFAULT_MAX_TOKENS
            return _ENCODE(body)
        return _ENCODE(request_out(request, model))

    def decode_reply(self, body: bytes) -> Reply:
        return parse_answer(body, _reply, "an Anthropic message")

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        if reply.dialect == NAME and reply.body is not None:
            return _ENCODE({**reply.body, "model": request.model})
        choice = reply.choices[0] if reply.choices else Choice()
        called = any(isinstance(p, ToolCall) for p in choice.parts)
        return _ENCODE(
            {
                "id": f"msg_{request.id}",
                "type": "message",
                "role": "assistant",
                "model": request.model,
                "content": [b for p in choice.parts if (b := block_out(p)) is not None],
                "stop_reason": finish_out(choice.finish, choice.stop_sequence, called=called),
                "stop_sequence": choice.stop_sequence,
                "usage": usage_out(reply.usage),
            }
        )

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        return decode_error(status, body, retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return _ENCODE(error_body(error, request_id))

    def stream_decoder(self) -> AnthropicDecoder:
        return AnthropicDecoder()

    def stream_encoder(self, request: Request, created: int) -> AnthropicEncoder:
        return AnthropicEncoder(request)


def _reply(tree: Json) -> Reply:
    choice = Choice(
        parts=tuple([part_from(block) for block in tree["content"]]),
        finish=FINISH_IN.get(tree.get("stop_reason") or "end_turn", "stop"),
        stop_sequence=tree.get("stop_sequence"),
    )
    return Reply(
        id=tree.get("id") or "",
        model=tree.get("model") or "",
        choices=validate_choices((choice,)),
        usage=usage_from(tree.get("usage")),
        dialect=NAME,
        body=tree,
    )
