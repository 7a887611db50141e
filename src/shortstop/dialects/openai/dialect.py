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
    finish_out,
    is_legacy,
    is_told_right,
    message_out,
    text_at,
    usage_out,
    usage_told,
    with_usage,
)
from shortstop.dialects.parsing import parse_answer
from shortstop.dialects.usage import count_of, usage_of
from shortstop.dialects.validate import validate_choices
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed
from shortstop.types import Choice, Json, Reply, Request, ToolCall

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

    def decode_reply(self, body: bytes, salt: object = "") -> Reply:
        return parse_answer(body, lambda tree: _reply(tree, salt), "a chat completion")

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

    def stream_decoder(self, salt: object = "") -> OpenAIChatDecoder:
        return OpenAIChatDecoder(salt)

    def stream_encoder(self, request: Request, created: int) -> OpenAIChatEncoder:
        return OpenAIChatEncoder(request, created)


def _reply(tree: Json, salt: object) -> Reply:
    if not tree["choices"]:
        raise UpstreamFailed("The model's answer holds no choice.")
    told = tree.get("usage") or tree["choices"][0].get("usage")
    usage = usage_of(told, answer=tree)
    choices = validate_choices(tuple([choice_from(c, salt) for c in tree["choices"]]))
    legacy = any("function_call" in c["message"] for c in tree["choices"])
    for sent, choice in zip(tree["choices"], choices, strict=True):
        _correct(sent, choice)
    tree["usage"] = usage_told(told, usage)
    tree["id"], tree["object"] = str(tree.get("id") or ""), "chat.completion"
    tree["created"] = count_of(tree.get("created")) or int(time.time())
    return Reply(
        id=tree["id"],
        model=text_at(tree, "model"),
        choices=choices,
        usage=usage,
        created=tree["created"],
        dialect=NAME,
        body=None if legacy else tree,
    )


def _correct(sent: Json, choice: Choice) -> None:
    """The vendor's own choice, where it is not as clients of this dialect expect it."""
    message = sent["message"]
    sent["index"], message["role"] = choice.index, "assistant"
    if not isinstance(message.get("content"), str | None):
        message.update(message_out(choice.parts))
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    for told, call in zip(message.get("tool_calls") or (), calls, strict=False):
        told["id"] = call.id
        told.setdefault("type", "function")
        if "function" in told:
            told["function"]["arguments"] = call.arguments
    if not is_told_right(sent.get("finish_reason"), choice.finish):
        sent["finish_reason"] = finish_out(choice.finish)
