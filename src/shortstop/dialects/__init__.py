"""Vendor bytes <-> types, both ways, pure."""

from __future__ import annotations

from msgspec.structs import replace

from shortstop.dialects.anthropic.dialect import AnthropicMessages
from shortstop.dialects.completions.dialect import OpenAICompletions
from shortstop.dialects.fields import parse_object
from shortstop.dialects.loss import lost
from shortstop.dialects.openai.dialect import OpenAIChat
from shortstop.dialects.responses.dialect import OpenAIResponses
from shortstop.ports import Dialect
from shortstop.types import DialectName, Json, Request

_DIALECTS: dict[DialectName, Dialect] = {
    "openai.chat": OpenAIChat(),
    "openai.responses": OpenAIResponses(),
    "openai.completions": OpenAICompletions(),
    "anthropic.messages": AnthropicMessages(),
}


def get(name: DialectName) -> Dialect:
    """The dialect of that name."""
    return _DIALECTS[name]


def redecoded(request: Request, body: Json) -> Request:
    """`request` with a rewritten body, decoded again in its own dialect. Raises InvalidRequest."""
    again = get(request.dialect).decode_request(body, request.id)
    return replace(again, betas=request.betas)


__all__ = ["get", "lost", "parse_object", "redecoded"]
