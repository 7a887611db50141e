"""Parts of Anthropic's format that requests, whole answers and streams have in common."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop import bounded
from shortstop.dialects.validate import token_count
from shortstop.types import Finish, Json, Opaque, Part, Refusal, Text, Thinking, ToolCall, Usage

_ENCODE = msgspec.json.Encoder().encode

FINISH_IN: dict[str, Finish] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "length",
}
_FINISH_OUT: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "error": "end_turn",
}


def finish_out(finish: Finish | None, stop_sequence: str | None, *, called: bool) -> str:
    """The `stop_reason`. `called`: whether the answer holds a tool call, after which some servers
    still report "stop"."""
    if finish in (None, "stop"):
        if called:
            return "tool_use"
        return "stop_sequence" if stop_sequence else "end_turn"
    return _FINISH_OUT[finish]


def usage_from(value: Any) -> Usage | None:
    """Input, cache reads and cache writes are disjoint; thinking is part of the output. Raises
    TypeError for what is not a count."""
    if not value:
        return None
    written = token_count(value, "cache_creation_input_tokens")
    hour = token_count(value.get("cache_creation") or {}, "ephemeral_1h_input_tokens")
    thinking = token_count(value.get("output_tokens_details") or {}, "thinking_tokens")
    return Usage(
        input=token_count(value, "input_tokens"),
        cache_read=token_count(value, "cache_read_input_tokens"),
        cache_write=max(0, written - hour),
        cache_write_1h=hour,
        output=max(0, token_count(value, "output_tokens") - thinking),
        reasoning=thinking,
    )


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


def part_from(block: Json) -> Part:
    """A block of an answer. An unknown block is kept as it is."""
    kind = block["type"]
    if kind == "text":
        return Text(block["text"])
    if kind == "tool_use":
        return ToolCall(block["id"], block["name"], _ENCODE(block["input"]).decode())
    if kind == "thinking":
        return Thinking(block["thinking"], block.get("signature"))
    if kind == "redacted_thinking":
        return Thinking(redacted=block["data"])
    return Opaque(kind, block)


def block_out(part: Part) -> Json | None:
    """A part of an answer as a block; None when a client of this dialect has no use for it."""
    if isinstance(part, (Text, Refusal)):
        return {"type": "text", "text": part.text} if part.text else None
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
        "id": call.id,
        "name": call.name,
        "input": arguments_in(call.arguments),
    }
