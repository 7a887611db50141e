"""Pieces of OpenAI's chat wire format that whole answers and streams share."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.validate import count
from shortstop.types import (
    Choice,
    Finish,
    Json,
    Part,
    Refusal,
    Request,
    Text,
    Thinking,
    TokenLogprob,
    ToolCall,
    Usage,
)

FINISH_IN: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
FINISH_OUT: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "error": "stop",
}


COMPLETION_FINISH_OUT = FINISH_OUT | {"tool_calls": "stop"}
"""Legacy completions know no tools."""


def finish_out(finish: Finish | None, *, legacy: bool = False) -> str:
    if legacy and finish == "tool_calls":
        return "function_call"
    return FINISH_OUT[finish or "stop"]


def is_legacy(request: Request) -> bool:
    """Whether the client speaks of `functions` and so expects a `function_call`."""
    return "functions" in request.body and "tools" not in request.body


def choice_from(value: Json) -> Choice:
    message = value["message"]
    parts: list[Part] = []
    thinking = message.get("reasoning_content") or message.get("reasoning")
    if thinking:
        parts.append(Thinking(thinking))
    content = message.get("content")
    if content:
        parts.append(Text(content if isinstance(content, str) else _joined(content)))
    if message.get("refusal"):
        parts.append(Refusal(message["refusal"]))
    parts.extend(_call_from(call) for call in message.get("tool_calls") or ())
    legacy = message.get("function_call")
    if legacy:
        parts.append(ToolCall(legacy["name"], legacy["name"], legacy.get("arguments") or ""))
    return Choice(
        index=value.get("index") or 0,
        parts=tuple(parts),
        finish=FINISH_IN.get(value.get("finish_reason") or "stop", "stop"),
        logprobs=logprobs_from(value.get("logprobs")),
    )


def _joined(content: list[Json]) -> str:
    return "".join(p["text"] for p in content if p.get("type") == "text")


def _call_from(call: Json) -> ToolCall:
    id = call.get("id") or ""
    if call.get("type") == "custom":
        custom = call["custom"]
        return ToolCall(id, custom["name"], custom.get("input") or "", {"type": "custom"})
    function = call["function"]
    arguments = function.get("arguments") or ""
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments).decode()
    return ToolCall(id, function["name"], arguments)


def logprobs_from(value: Any) -> tuple[TokenLogprob, ...]:
    if not value or not value.get("content"):
        return ()
    return tuple(
        TokenLogprob(
            token["token"],
            token["logprob"],
            tuple((t["token"], t["logprob"]) for t in token.get("top_logprobs") or ()),
        )
        for token in value["content"]
    )


def logprobs_out(tokens: tuple[TokenLogprob, ...], shown: int) -> Json:
    """OpenAI's form, with `shown` alternatives a token."""

    def one(token: str, logprob: float) -> Json:
        return {"token": token, "logprob": logprob, "bytes": list(token.encode())}

    content = [
        {**one(t.token, t.logprob), "top_logprobs": [one(*alt) for alt in t.top[:shown]]}
        for t in tokens
    ]
    return {"content": content, "refusal": None}


def usage_from(value: Any) -> Usage | None:
    """OpenAI counts cached and audio tokens inside the prompt, reasoning inside the completion.

    Its followers differ. DeepSeek and Moonshot tell the cached ones beside the details; xAI and
    Gemini count reasoning beside the completion, which only their total shows.
    """
    if not value:
        return None
    asked = value.get("prompt_tokens_details") or {}
    said = value.get("completion_tokens_details") or {}
    prompt, completion = count(value, "prompt_tokens"), count(value, "completion_tokens")
    cached = next((n for n in (count(asked, "cached_tokens"), *_flat_cached(value)) if n), 0)
    written = count(asked, "cache_write_tokens")
    # Cached sound is in both counts: it is billed as cached.
    audio_in = min(count(asked, "audio_tokens"), max(0, prompt - cached - written))
    reasoning, audio_out = count(said, "reasoning_tokens"), count(said, "audio_tokens")
    beside = max(0, count(value, "total_tokens") - prompt - completion)
    if beside and beside >= reasoning:
        reasoning, completion = beside, completion + beside
    return Usage(
        input=max(0, prompt - cached - written - audio_in),
        cache_read=cached,
        cache_write=written,
        input_audio=audio_in,
        output=max(0, completion - reasoning - audio_out),
        reasoning=reasoning,
        output_audio=audio_out,
    )


def _flat_cached(value: Any) -> tuple[int, ...]:
    return count(value, "prompt_cache_hit_tokens"), count(value, "cached_tokens")


def usage_out(usage: Usage | None) -> Json | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
            "audio_tokens": usage.input_audio,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.output_audio,
        },
    }


def message_out(parts: tuple[Part, ...], *, legacy: bool = False) -> Json:
    """An assistant message; `content` is null beside tool calls without text."""
    text = "".join(p.text for p in parts if isinstance(p, Text))
    calls = [p for p in parts if isinstance(p, ToolCall)]
    refusal = "".join(p.text for p in parts if isinstance(p, Refusal))
    thinking = "".join(p.text for p in parts if isinstance(p, Thinking))
    said = text if text or not (calls or refusal) else None
    message: Json = {"role": "assistant", "content": said, "refusal": refusal or None}
    if thinking:
        message["reasoning_content"] = thinking
    if calls and legacy:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [_call_out(c) for c in calls]
    return message


def _call_out(call: ToolCall) -> Json:
    if call.extra.get("type") == "custom":
        custom = {"name": call.name, "input": call.arguments}
        return {"id": call.id, "type": "custom", "custom": custom}
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}
