"""Parts of Anthropic's format that requests, whole answers and streams have in common."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop import bounded
from shortstop.dialects.anthropic.describe import DESCRIPTION
from shortstop.dialects.names import fitted_id
from shortstop.types import Finish, Json, Opaque, Part, Refusal, Text, Thinking, ToolCall, Usage

_ENCODE = msgspec.json.Encoder().encode

_FINISH_OUT: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "error": "max_tokens",
}
_KNOWN_REASONS = frozenset(
    [*_FINISH_OUT.values(), "stop_sequence", "model_context_window_exceeded"]
)


def is_known(reason: Any) -> bool:
    """Whether clients of this dialect know it as a `stop_reason`."""
    return isinstance(reason, str) and reason in _KNOWN_REASONS


def finish_out(finish: Finish | None, stop_sequence: str | None, *, called: bool) -> str:
    """The `stop_reason`. `called`: whether the answer holds a tool call, after which some servers
    still report "stop"."""
    if finish in (None, "stop"):
        if called:
            return "tool_use"
        return "stop_sequence" if stop_sequence else "end_turn"
    return _FINISH_OUT[finish]


def usage_out(usage: Usage | None) -> Json:
    """The `usage` object; zeros when no usage is known."""
    usage = usage or Usage()
    return {
        "input_tokens": usage.input + usage.input_audio,
        "cache_creation_input_tokens": usage.cache_write + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def arguments_in(text: str) -> Json:
    """A call's arguments as an object, which this dialect requires, whatever the model wrote."""
    try:
        value = bounded.decode(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return {"arguments": text}
    return value if isinstance(value, dict) else {"arguments": value}


def input_text(value: Any) -> str:
    """A call's input as JSON text; some servers send it as a text, some none."""
    if isinstance(value, str):
        return _ENCODE(arguments_in(value)).decode()
    return "{}" if value is None else _ENCODE(value).decode()


def text_at(table: Json, name: str) -> Any:
    """A text, where null is an empty one."""
    text = table.get(name)
    return "" if text is None else text


def part_from(block: Json) -> Part:
    """A block of an answer. An unknown block is kept as it is."""
    kind = block["type"]
    if kind == "text":
        return Text(text_at(block, "text"))
    if kind == "tool_use":
        return ToolCall(block.get("id") or "", block["name"], input_text(block.get("input")))
    if kind == "thinking":
        return Thinking(text_at(block, "thinking"), block.get("signature"))
    if kind == "redacted_thinking":
        return Thinking(redacted=block["data"])
    return Opaque(kind, block)


def block_out(part: Part) -> Json | None:
    """A part of an answer as a block; None when a client of this dialect has no use for it."""
    if isinstance(part, (Text, Refusal)):
        return {"type": "text", "text": part.text} if part.text.strip() else None
    if isinstance(part, ToolCall):
        return tool_use(part)
    if isinstance(part, Thinking):
        if part.redacted is not None:
            return {"type": "redacted_thinking", "data": part.redacted}
        return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
    return None


def tool_use(call: ToolCall) -> Json:
    """A call as a block."""
    return {
        "type": "tool_use",
        "id": fitted_id(call.id, DESCRIPTION.limits),
        "name": call.name,
        "input": arguments_in(call.arguments),
    }
