"""Writing a neutral request as one of OpenAI's chat."""

from __future__ import annotations

import re

from shortstop.dialects import media
from shortstop.dialects.loss import carried, refuse_media, refuse_pinned, vendor_tool
from shortstop.dialects.openai.wire import message_out
from shortstop.types import (
    Format,
    Json,
    Media,
    Message,
    Part,
    Refusal,
    Request,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
)

_OPENAI_OWN = re.compile(r"(?:openai/)?(?:gpt-(?!oss)|chatgpt|o\d)")
"""OpenAI's own API refuses `top_k`, `reasoning_content` and, for new models, `max_tokens`;
other servers know only these."""


_REASONING = frozenset(["reasoning_content", "reasoning"])


def fitted(body: Json) -> Json:
    """A client's own body for the model in it: a client of `auto` cannot know whom it asks, nor
    that another model's reasoning stands in what it repeats."""
    if not _OPENAI_OWN.match(body["model"]):
        return body
    limit = body.get("max_tokens")
    body = {k: v for k, v in body.items() if k not in ("max_tokens", "top_k")}
    if limit is not None and body.get("max_completion_tokens") is None:
        body["max_completion_tokens"] = limit
    if any(_REASONING & m.keys() for m in body["messages"]):
        body["messages"] = [
            {k: v for k, v in m.items() if k not in _REASONING} for m in body["messages"]
        ]
    return body


def request_out(request: Request, model: str) -> Json:
    refuse_pinned(request)
    own = bool(_OPENAI_OWN.match(model))
    messages = [m for x in request.messages for m in _out(x)]
    if own:
        for message in messages:
            message.pop("reasoning_content", None)
    body: Json = {"model": model, "messages": messages}
    tools = [_tool_out(t) for t in request.tools if not _foreign(t)]
    if tools:
        body["tools"] = tools
        if request.tool_choice != ToolChoice():
            body["tool_choice"] = _choice_out(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.format.kind != "text":
        body["response_format"] = format_out(request.format)
    body.update(_sampling_out(request, own=own))
    if request.stream:
        body["stream"] = True
    if request.user is not None:
        body["user"] = request.user
    if request.metadata:
        body["metadata"] = request.metadata
    return body | carried(request, "openai.chat")


def _sampling_out(request: Request, *, own: bool) -> Json:
    said = request.sampling
    options = {
        "max_completion_tokens" if own else "max_tokens": said.max_tokens,
        "temperature": said.temperature,
        "top_p": said.top_p,
        "top_k": None if own else said.top_k,
        "seed": said.seed,
        "stop": list(said.stop[:4]) or None,
        "frequency_penalty": said.frequency_penalty,
        "presence_penalty": said.presence_penalty,
        "logit_bias": said.logit_bias,
        "logprobs": said.logprobs or None,
        "top_logprobs": said.top_logprobs,
        "n": said.n if said.n > 1 else None,
        "reasoning_effort": said.reasoning_effort,
    }
    return {k: v for k, v in options.items() if v is not None}


def format_out(format: Format) -> Json:
    if format.kind != "json_schema":
        return {"type": format.kind}
    said = {"name": format.name, "schema": format.schema, "strict": format.strict}
    return {"type": "json_schema", "json_schema": said}


def _out(message: Message) -> list[Json]:
    """A neutral message is one or several of OpenAI's: each tool result is its own."""
    found: list[Json] = []
    rest: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            content = _content_out(part.parts)
            found.append({"role": "tool", "tool_call_id": part.call_id, "content": content})
        else:
            rest.append(part)
    if message.role == "assistant":
        found.append(_assistant_out(rest))
    elif rest:
        found.append({"role": message.role, "content": _content_out(tuple(rest))})
    if message.name is not None and found:
        found[-1]["name"] = message.name
    return found


def _assistant_out(parts: list[Part]) -> Json:
    message = message_out(tuple(parts))
    if message["refusal"] is None:
        del message["refusal"]
    if sum(isinstance(p, Text) for p in parts) > 1:
        message["content"] = _content_out(tuple(p for p in parts if isinstance(p, Text)))
    return message


def _content_out(parts: tuple[Part, ...]) -> str | list[Json]:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [out for p in parts if (out := _part_out(p)) is not None]


def _part_out(part: Part) -> Json | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Media):
        return _media_out(part)
    return None


def _media_out(part: Media) -> Json:
    address, found = media.url(part), media.inline(part)
    if part.kind == "image" and address is not None:
        detail = {"detail": part.extra["detail"]} if "detail" in part.extra else {}
        return {"type": "image_url", "image_url": {"url": address, **detail}}
    if part.kind == "audio" and found is not None:
        kind = found[0].rpartition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": found[1], "format": kind}}
    if part.kind == "file" and part.file_id is not None:
        return {"type": "file", "file": {"file_id": part.file_id}}
    if part.kind == "file" and found is not None:
        name = part.name or "file"
        return {"type": "file", "file": {"filename": name, "file_data": media.url_of(found)}}
    raise refuse_media(part)


def _foreign(tool: Tool) -> bool:
    return vendor_tool(tool.extra) and tool.extra["type"] != "custom"


def _tool_out(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.extra.get("type") == "custom":
        if "format" in tool.extra:
            function["format"] = _format_out(tool.extra["format"])
        return {"type": "custom", "custom": function}
    function["parameters"] = tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _format_out(format: Json) -> Json:
    """Responses writes a grammar's fields beside its type, chat below it."""
    if format.get("type") != "grammar" or "grammar" in format:
        return format
    return {"type": "grammar", "grammar": {k: v for k, v in format.items() if k != "type"}}


def _choice_out(choice: ToolChoice) -> Json | str:
    named = [{"type": "function", "function": {"name": n}} for n in choice.names]
    if not named:
        return choice.mode
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}
