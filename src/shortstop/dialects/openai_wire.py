"""Pieces of OpenAI's chat wire format that whole answers and streams share."""

from __future__ import annotations

from typing import Any

from shortstop.types import (
    Choice,
    Finish,
    Json,
    Part,
    Refusal,
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


def choice_from(value: Json) -> Choice:
    message = value["message"]
    parts: list[Part] = []
    thinking = message.get("reasoning_content") or message.get("reasoning")
    if thinking:
        parts.append(Thinking(thinking))
    if message.get("content"):
        parts.append(Text(message["content"]))
    if message.get("refusal"):
        parts.append(Refusal(message["refusal"]))
    for call in message.get("tool_calls") or ():
        function = call["function"]
        parts.append(ToolCall(call.get("id") or "", function["name"], function["arguments"]))
    return Choice(
        index=value.get("index") or 0,
        parts=tuple(parts),
        finish=FINISH_IN.get(value.get("finish_reason") or "stop", "stop"),
        logprobs=logprobs_from(value.get("logprobs")),
    )


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
    """Cached and audio tokens are inside OpenAI's prompt, reasoning inside its completion."""
    if not value:
        return None
    asked = value.get("prompt_tokens_details") or {}
    said = value.get("completion_tokens_details") or {}
    cached, audio_in = asked.get("cached_tokens") or 0, asked.get("audio_tokens") or 0
    reasoning, audio_out = said.get("reasoning_tokens") or 0, said.get("audio_tokens") or 0
    return Usage(
        input=max(0, (value.get("prompt_tokens") or 0) - cached - audio_in),
        cache_read=cached,
        input_audio=audio_in,
        output=max(0, (value.get("completion_tokens") or 0) - reasoning - audio_out),
        reasoning=reasoning,
        output_audio=audio_out,
    )


def usage_out(usage: Usage | None) -> Json | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "audio_tokens": usage.input_audio,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.output_audio,
        },
    }


def message_out(parts: tuple[Part, ...]) -> Json:
    """An assistant message; `content` is null beside tool calls without text."""
    text = "".join(p.text for p in parts if isinstance(p, Text))
    calls = [p for p in parts if isinstance(p, ToolCall)]
    refusal = "".join(p.text for p in parts if isinstance(p, Refusal))
    thinking = "".join(p.text for p in parts if isinstance(p, Thinking))
    message: Json = {"role": "assistant", "content": text if text or not calls else None}
    message["refusal"] = refusal or None
    if thinking:
        message["reasoning_content"] = thinking
    if calls:
        message["tool_calls"] = [
            {
                "id": c.id,
                "type": "function",
                "function": {"name": c.name, "arguments": c.arguments},
            }
            for c in calls
        ]
    return message
