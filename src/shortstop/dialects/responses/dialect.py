"""OpenAI Responses (platform.openai.com/docs/api-reference/responses)."""

from __future__ import annotations

import time

import msgspec

from shortstop.dialects.failures import told_failure
from shortstop.dialects.finish import cut_off
from shortstop.dialects.ids import identified
from shortstop.dialects.openai.errors import decode_error, encode_error
from shortstop.dialects.parsing import parse_answer
from shortstop.dialects.responses.describe import DESCRIPTION, NAME
from shortstop.dialects.responses.order import CALLS
from shortstop.dialects.responses.request_in import request_in
from shortstop.dialects.responses.request_out import adapted, request_out
from shortstop.dialects.responses.stream import ResponsesDecoder, ResponsesEncoder
from shortstop.dialects.responses.wire import (
    addressed,
    finish_from,
    items_out,
    parts_from,
    response_out,
    status_out,
    usage_out,
)
from shortstop.dialects.usage import is_plain, usage_of
from shortstop.dialects.validate import validate_choices
from shortstop.errors import ShortstopError, TargetError
from shortstop.types import Choice, Json, Refusal, Reply, Request, Text, ToolCall, Usage

_ENCODE = msgspec.json.Encoder().encode


class OpenAIResponses:
    """Implements ports.Dialect."""

    description = DESCRIPTION

    def decode_request(self, body: Json, id: str) -> Request:
        return request_in(body, id)

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == NAME and request.body:
            return _ENCODE(adapted({**request.body, "model": model}))
        return _ENCODE(request_out(request, model))

    def decode_reply(self, body: bytes, salt: object = "") -> Reply:
        return parse_answer(body, lambda tree: _reply(tree, salt), "a response")

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        return _ENCODE(self.response(reply, request))

    def response(self, reply: Reply, request: Request) -> Json:
        """The response object of a whole answer, as the client gets it."""
        if reply.dialect == NAME and reply.body is not None:
            return addressed(reply.body, request)
        choice = reply.choices[0] if reply.choices else Choice()
        return response_out(
            request,
            reply.created or int(time.time()),
            status=status_out(choice.finish),
            finish=choice.finish,
            output=items_out(choice.parts, request.id),
            usage=reply.usage,
        )

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        return decode_error(status, body, retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return encode_error(error)

    def stream_decoder(self, salt: object = "") -> ResponsesDecoder:
        return ResponsesDecoder(salt)

    def stream_encoder(self, request: Request, created: int) -> ResponsesEncoder:
        return ResponsesEncoder(request, created)


def _reply(tree: Json, salt: object) -> Reply:
    if tree.get("status") == "failed":
        raise told_failure({})
    parts = tuple([part for item in tree["output"] for part in parts_from(item)])
    said = any(isinstance(part, Text | Refusal | ToolCall) for part in parts)
    finish = cut_off(finish_from(tree), said=said, reason=tree.get("status"))
    usage = usage_of(tree.get("usage"), answer=tree)
    (choice,) = validate_choices((identified(Choice(parts=parts, finish=finish), salt),))
    _correct(tree, choice, usage)
    return Reply(
        id=tree.get("id") or "",
        model=tree.get("model") or "",
        choices=(choice,),
        usage=usage,
        created=int(tree.get("created_at") or 0),
        dialect=NAME,
        body=tree,
    )


def _correct(tree: Json, choice: Choice, usage: Usage | None) -> None:
    """The vendor's own answer, where it is not as clients of this dialect expect it."""
    items = [item for item in tree["output"] if item["type"] in CALLS]
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    for item, call in zip(items, calls, strict=True):
        item["call_id"], item[CALLS[item["type"]]] = call.id, call.arguments
    tree["status"] = status_out(choice.finish)
    if tree["status"] == "incomplete" and not tree.get("incomplete_details"):
        tree["incomplete_details"] = {"reason": "max_output_tokens"}
    if not is_plain(tree.get("usage")):
        tree["usage"] = usage_out(usage)
