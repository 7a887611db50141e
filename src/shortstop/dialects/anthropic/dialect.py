"""Anthropic Messages (docs.claude.com/en/api/messages)."""

from __future__ import annotations

import msgspec

from shortstop.dialects.anthropic.caching import with_breakpoints
from shortstop.dialects.anthropic.describe import DESCRIPTION, NAME
from shortstop.dialects.anthropic.errors import decode_error, error_body
from shortstop.dialects.anthropic.request_in import request_in
from shortstop.dialects.anthropic.request_out import adapted, request_out
from shortstop.dialects.anthropic.stream import AnthropicDecoder, AnthropicEncoder
from shortstop.dialects.anthropic.wire import (
    block_out,
    finish_out,
    is_known,
    part_from,
    text_at,
    tool_use,
    usage_out,
)
from shortstop.dialects.finish import cut_off, finish_of
from shortstop.dialects.ids import identified
from shortstop.dialects.parsing import parse_answer
from shortstop.dialects.usage import is_plain, usage_of
from shortstop.dialects.validate import validate_choices
from shortstop.errors import ShortstopError, TargetError
from shortstop.types import Choice, Json, Reply, Request, Text, ToolCall, Usage

_ENCODE = msgspec.json.Encoder().encode


class AnthropicMessages:
    """Implements ports.Dialect."""

    description = DESCRIPTION

    def decode_request(self, body: Json, id: str) -> Request:
        return request_in(body, id)

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == NAME and request.body:
            return _ENCODE(adapted({**request.body, "model": model}))
        body = request_out(request, model)
        if request.cache_scope is not None and request.dialect != NAME:
            body = with_breakpoints(body, request.cache_scope)
        return _ENCODE(body)

    def decode_reply(self, body: bytes, salt: object = "") -> Reply:
        return parse_answer(body, lambda tree: _reply(tree, salt), "an Anthropic message")

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

    def stream_decoder(self, salt: object = "") -> AnthropicDecoder:
        return AnthropicDecoder(salt)

    def stream_encoder(self, request: Request, created: int) -> AnthropicEncoder:
        return AnthropicEncoder(request)


def _reply(tree: Json, salt: object) -> Reply:
    if isinstance(tree["content"], str):
        tree["content"] = [{"type": "text", "text": tree["content"]}]
    parts = tuple([part_from(block) for block in tree["content"]])
    called = any(isinstance(part, ToolCall) for part in parts)
    reason = tree.get("stop_reason")
    finish = finish_of(reason) or "stop"
    if called and finish == "stop":
        finish = "tool_calls"
    said = called or any(isinstance(part, Text) and part.text for part in parts)
    finish = cut_off(finish, said=said, reason=reason) or "stop"
    stop_sequence, usage = tree.get("stop_sequence"), usage_of(tree.get("usage"), beside=True)
    (choice,) = validate_choices(
        (identified(Choice(parts=parts, finish=finish, stop_sequence=stop_sequence), salt),)
    )
    _correct(tree, choice, usage)
    return Reply(
        id=tree.get("id") or "",
        model=tree.get("model") or "",
        choices=(choice,),
        usage=usage,
        dialect=NAME,
        body=tree,
    )


def _correct(tree: Json, choice: Choice, usage: Usage | None) -> None:
    """The vendor's own answer, where it is not as clients of this dialect expect it."""
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    blocks = [block for block in tree["content"] if block["type"] == "tool_use"]
    for block, call in zip(blocks, calls, strict=True):
        block.update(tool_use(call))
    if any(_is_blank(block) for block in tree["content"]):
        tree["content"] = [block for block in tree["content"] if not _is_blank(block)]
    tree["role"] = "assistant"
    if not is_known(tree.get("stop_reason")) or (calls and choice.finish == "tool_calls"):
        tree["stop_reason"] = finish_out(choice.finish, choice.stop_sequence, called=bool(calls))
    if not is_plain(tree.get("usage")) or tree.get("usage") is None:
        tree["usage"] = usage_out(usage)


def _is_blank(block: Json) -> bool:
    """Whether a text or a thought holds nothing; a signed thought may be told to nobody."""
    kind = block["type"]
    held = kind in ("text", "thinking") and not block.get("signature")
    return held and not text_at(block, kind).strip()
