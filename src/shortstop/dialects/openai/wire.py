"""Parts of OpenAI's chat format that whole answers and streams have in common."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.validate import token_count
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


def finish_out(finish: Finish | None, *, legacy: bool = False) -> str:
    """The `finish_reason`. `legacy`: for a client that uses `functions`."""
    if legacy and finish == "tool_calls":
        return "function_call"
    return FINISH_OUT[finish or "stop"]


def is_legacy(request: Request) -> bool:
    """Whether the client uses the older `functions`, and so expects a `function_call`."""
    return "functions" in request.body and "tools" not in request.body


def with_usage(body: Json) -> Json:
    """A streamed request's body that asks for usage: the books always need it, and the encoder
    hides it from clients that did not ask."""
    return {**body, "stream_options": {**(body.get("stream_options") or {}), "include_usage": True}}


def choice_from(value: Json) -> Choice:
    """One of an answer's choices. Raises what `parsing.MALFORMED` lists."""
    message = value["message"]
    parts: list[Part] = []
    thinking = message.get("reasoning_content") or message.get("reasoning")
    if thinking:
        parts.append(Thinking(thinking))
    content = message.get("content")
    if content:
        parts.append(Text(content if isinstance(content, str) else _text_of(content)))
    if message.get("refusal"):
        parts.append(Refusal(message["refusal"]))
    parts.extend(_call_from(call) for call in message.get("tool_calls") or ())
    call = message.get("function_call")
    if call:
        parts.append(ToolCall(call["name"], call["name"], call.get("arguments") or ""))
    return Choice(
        index=value.get("index") or 0,
        parts=tuple(parts),
        finish=FINISH_IN.get(value.get("finish_reason") or "stop", "stop"),
        logprobs=logprobs_from(value.get("logprobs")),
    )


def _text_of(content: list[Json]) -> str:
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


def choice_out(choice: Choice, alternatives: int | None, *, legacy: bool) -> Json:
    """A choice for the client. `alternatives` a token are shown with the log-probabilities; None:
    the client asked for none of them."""
    shown = choice.logprobs if alternatives is not None else ()
    return {
        "index": choice.index,
        "message": message_out(choice.parts, legacy=legacy),
        "logprobs": logprobs_out(shown, alternatives or 0) if shown else None,
        "finish_reason": finish_out(choice.finish, legacy=legacy),
    }


def logprobs_from(value: Any) -> tuple[TokenLogprob, ...]:
    """Tokens with their natural log-probabilities and alternatives."""
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


def logprobs_out(tokens: tuple[TokenLogprob, ...], alternatives: int) -> Json:
    """OpenAI's form, with up to `alternatives` a token."""

    def one(token: str, logprob: float) -> Json:
        return {"token": token, "logprob": logprob, "bytes": list(token.encode())}

    content = [
        {**one(t.token, t.logprob), "top_logprobs": [one(*alt) for alt in t.top[:alternatives]]}
        for t in tokens
    ]
    return {"content": content, "refusal": None}


def usage_from(value: Any) -> Usage | None:
    """OpenAI counts cached and audio tokens as part of the prompt, reasoning as part of the
    completion. Raises TypeError for what is not a count.

    Compatible servers differ: DeepSeek and Moonshot report cached tokens outside the details; xAI
    and Gemini do not count reasoning in the completion, only in the total.
    """
    if not value:
        return None
    prompt_details = value.get("prompt_tokens_details") or {}
    completion_details = value.get("completion_tokens_details") or {}
    prompt, completion = (
        token_count(value, "prompt_tokens"),
        token_count(value, "completion_tokens"),
    )
    cached = _cached(value, prompt_details)
    written = token_count(prompt_details, "cache_write_tokens")
    # Cached audio is in both counts; it is billed as cached.
    audio_in = min(token_count(prompt_details, "audio_tokens"), max(0, prompt - cached - written))
    reasoning = token_count(completion_details, "reasoning_tokens")
    audio_out = token_count(completion_details, "audio_tokens")
    uncounted = max(0, token_count(value, "total_tokens") - prompt - completion)
    if uncounted and uncounted >= reasoning:
        reasoning, completion = uncounted, completion + uncounted
    return Usage(
        input=max(0, prompt - cached - written - audio_in),
        cache_read=cached,
        cache_write=written,
        input_audio=audio_in,
        output=max(0, completion - reasoning - audio_out),
        reasoning=reasoning,
        output_audio=audio_out,
    )


def _cached(value: Any, details: Any) -> int:
    """Tokens read from the cache, wherever the server reports them."""
    counts = (
        token_count(details, "cached_tokens"),
        token_count(value, "prompt_cache_hit_tokens"),
        token_count(value, "cached_tokens"),
    )
    return next((count for count in counts if count), 0)


def usage_out(usage: Usage | None) -> Json | None:
    """The `usage` object; null when no usage is known."""
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
    """An assistant message; `content` is null when there are only tool calls."""
    text = "".join(p.text for p in parts if isinstance(p, Text))
    calls = [p for p in parts if isinstance(p, ToolCall)]
    refusal = "".join(p.text for p in parts if isinstance(p, Refusal))
    thinking = "".join(p.text for p in parts if isinstance(p, Thinking))
    content = text if text or not (calls or refusal) else None
    message: Json = {"role": "assistant", "content": content, "refusal": refusal or None}
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
