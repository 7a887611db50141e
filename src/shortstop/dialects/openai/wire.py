"""Parts of OpenAI's chat format that whole answers and streams have in common."""

from __future__ import annotations

from typing import Any

from shortstop.dialects.finish import cut_off, finish_of
from shortstop.dialects.ids import identified
from shortstop.dialects.openai.calls import arguments_of, function_of, id_of
from shortstop.dialects.usage import count_of, is_plain
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

FINISH_OUT: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "error": "length",
}

_KNOWN_REASONS = frozenset([*FINISH_OUT.values(), "function_call"])


def finish_out(finish: Finish | None, *, legacy: bool = False) -> str:
    """The `finish_reason`. `legacy`: for a client that uses `functions`."""
    if legacy and finish == "tool_calls":
        return "function_call"
    return FINISH_OUT[finish or "stop"]


def is_told_right(reason: Any, finish: Finish | None) -> bool:
    """Whether clients of this dialect know a `finish_reason`, and it says what it should: some
    servers still report "stop" after a call."""
    known = isinstance(reason, str) and reason in _KNOWN_REASONS
    return known and not (reason == "stop" and finish == "tool_calls")


def is_legacy(request: Request) -> bool:
    """Whether the client uses the older `functions`, and so expects a `function_call`."""
    return "functions" in request.body and "tools" not in request.body


def with_usage(body: Json) -> Json:
    """A streamed request's body that asks for usage: the books always need it, and the encoder
    hides it from clients that did not ask."""
    return {**body, "stream_options": {**(body.get("stream_options") or {}), "include_usage": True}}


def choice_from(value: Json, salt: object = "") -> Choice:
    """One of an answer's choices; calls without ids get ids that are made from `salt`. Raises what
    `parsing.MALFORMED` lists, and UpstreamFailed for one that ended without an answer."""
    message = value["message"]
    parts: list[Part] = []
    thinking = thinking_of(message)
    content = message.get("content")
    if content and not isinstance(content, str):
        thought, content = texts_of(content)
        thinking = thinking or thought
    if thinking:
        parts.append(Thinking(thinking))
    if content:
        parts.append(Text(content))
    if refusal := text_at(message, "refusal"):
        parts.append(Refusal(refusal))
    calls = [_call_from(call) for call in message.get("tool_calls") or ()]
    function = message.get("function_call")
    if function and not calls:
        calls.append(_call_from({"function": function}))
    finish = finish_of(value.get("finish_reason")) or "stop"
    if calls and finish == "stop":
        finish = "tool_calls"
    said = bool(calls) or any(not isinstance(part, Thinking) for part in parts)
    choice = Choice(
        index=count_of(value.get("index")) or 0,
        parts=(*parts, *calls),
        finish=cut_off(finish, said=said, reason=value.get("finish_reason")),
        logprobs=logprobs_from(value.get("logprobs")),
    )
    return identified(choice, salt)


def text_at(table: Json, name: str) -> str:
    """A text that an answer can do without: anything else is taken out."""
    value = table.get(name)
    if isinstance(value, str):
        return value
    if value is not None:
        del table[name]
    return ""


def thinking_of(message: Json) -> str:
    """Of a message or a delta, by either of its names."""
    return text_at(message, "reasoning_content") or text_at(message, "reasoning")


def texts_of(content: list[Json] | Json) -> tuple[str, str]:
    """Thinking and text of content that is a list of parts, or one of them."""
    if isinstance(content, dict):
        content = [content]
    thinking = [p for p in content if isinstance(p, dict) and p.get("type") == "thinking"]
    thought = [
        t if isinstance(t, str) else texts_of(t)[1] for t in (p["thinking"] for p in thinking)
    ]
    texts = [p if isinstance(p, str) else p["text"] for p in content if _is_text(p)]
    return "".join(thought), "".join(texts)


def _is_text(part: Any) -> bool:
    return isinstance(part, str) or part.get("type", "text") in ("text", "output_text")


def _call_from(call: Json) -> ToolCall:
    function, id = function_of(call), id_of(call) or ""
    arguments = arguments_of(function)
    if call.get("type") == "custom":
        return ToolCall(id, function["name"], arguments, {"type": "custom"})
    return ToolCall(id, function["name"], arguments if arguments.strip() else "{}")


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
            tuple(
                (t["token"], t["logprob"])
                for t in token.get("top_logprobs") or ()
                if isinstance(t["logprob"], int | float)
            ),
        )
        for token in value["content"]
        if isinstance(token["logprob"], int | float)
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


def usage_told(told: Any, usage: Usage | None) -> Any:
    """What a vendor told of its usage, where clients can read it; else what was understood."""
    sides = ("prompt_tokens", "completion_tokens")
    if not isinstance(told, dict) or None in map(told.get, sides) or not is_plain(told):
        return usage_out(usage)
    return {**told, "total_tokens": told.get("total_tokens") or sum(map(told.__getitem__, sides))}


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
