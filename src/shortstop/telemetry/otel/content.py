"""What was asked and answered, as OpenTelemetry writes it: only where the operator says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from shortstop.telemetry.otel.wire import Value, encode
from shortstop.types import (
    Choice,
    Media,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

LARGEST = 1 << 16
"""Bytes of what was asked, or answered, in a span; what is larger is left out."""


class _InputMessage(Struct):
    role: str
    parts: list[dict[str, Any]]


class _OutputMessage(Struct):
    role: str
    parts: list[dict[str, Any]]
    finish_reason: str


def content_attributes(
    messages: Iterable[Message], choices: Iterable[Choice]
) -> Mapping[str, Value]:
    """`gen_ai.input.messages` and `gen_ai.output.messages`, as JSON texts."""
    asked = [_InputMessage(m.role, _parts(m.parts)) for m in messages]
    said = [_OutputMessage("assistant", _parts(c.parts), c.finish or "stop") for c in choices]
    return {
        "gen_ai.input.messages": _text(asked),
        "gen_ai.output.messages": _text(said),
    }


def _text(messages: list[Any]) -> str | None:
    data = encode(messages) if messages else b""
    return data.decode() if 0 < len(data) <= LARGEST else None


def _parts(parts: Iterable[Part]) -> list[dict[str, Any]]:
    return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, Any]:
    """Images, sounds and files are named, never sent."""
    match part:
        case Text(text) | Refusal(text):
            return {"type": "text", "content": text}
        case Thinking(text):
            return {"type": "reasoning", "content": text}
        case ToolCall(id, name, arguments):
            return {"type": "tool_call", "id": id, "name": name, "arguments": arguments}
        case ToolResult(call_id, inner):
            said = "\n".join(one.text for one in inner if isinstance(one, Text))
            return {"type": "tool_call_response", "id": call_id, "response": said}
        case Media(kind):
            return {"type": kind}
    return {"type": "other"}
