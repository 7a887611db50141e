"""Pieces of Anthropic's wire format that whole answers and streams share."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.failures import failure
from shortstop.dialects.validate import count
from shortstop.errors import ShortstopError, TargetError
from shortstop.types import Finish, Json, Usage

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
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def finish_out(finish: Finish | None, stop_sequence: str | None, *, called: bool) -> str:
    """`called`: whether the answer holds a tool call; some servers then still say "stop"."""
    if finish in (None, "stop"):
        if called:
            return "tool_use"
        return "stop_sequence" if stop_sequence else "end_turn"
    return _FINISH_OUT[finish]


def usage_from(value: Any) -> Usage | None:
    """Anthropic's input, cache reads and cache writes are disjoint; thinking is in the output."""
    if not value:
        return None
    written = count(value, "cache_creation_input_tokens")
    hour = count((value.get("cache_creation") or {}), "ephemeral_1h_input_tokens")
    thought = count((value.get("output_tokens_details") or {}), "thinking_tokens")
    return Usage(
        input=count(value, "input_tokens"),
        cache_read=count(value, "cache_read_input_tokens"),
        cache_write=max(0, written - hour),
        cache_write_1h=hour,
        output=max(0, count(value, "output_tokens") - thought),
        reasoning=thought,
    )


def usage_out(usage: Usage | None) -> Json:
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
    """A call's arguments as the object that Anthropic wants, whatever the model wrote."""
    try:
        value = msgspec.json.decode(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return {"arguments": text}
    return value if isinstance(value, dict) else {"arguments": value}


def error_body(error: ShortstopError, request_id: str) -> Json:
    kind = _TYPES.get(error.status) or (
        "invalid_request_error" if 400 <= error.status < 500 else "api_error"
    )
    told = {"type": kind, "message": str(error)}
    return {"type": "error", "error": told, "request_id": request_id}


def read_error(body: bytes) -> tuple[str, str | None]:
    """Message and type."""
    try:
        error = msgspec.json.decode(body)["error"]
        kind = error.get("type")
        return (
            str(error.get("message") or "no reason given"),
            kind if isinstance(kind, str) else None,
        )
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return "no reason given", None


def decode_error(status: int, body: bytes, retry_after: float | None) -> TargetError:
    """What a non-2xx answer means. Never raises."""
    message, kind = read_error(body)
    code = "insufficient_quota" if kind == "billing_error" else kind
    return failure(status, message, code, kind, retry_after)
