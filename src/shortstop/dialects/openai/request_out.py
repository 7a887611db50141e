"""Writing a request in OpenAI Chat Completions."""

from __future__ import annotations

import re

from shortstop.dialects import media
from shortstop.dialects.fit import fitted
from shortstop.dialects.loss import carried, is_vendor_tool, portable, refuse_media
from shortstop.dialects.openai.describe import DESCRIPTION, NAME
from shortstop.dialects.openai.wire import message_out
from shortstop.types import (
    Format,
    Json,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Request,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
)

_OPENAI_MODEL = re.compile(r"(?:openai/)?(?:gpt-(?!oss)|chatgpt|o\d)")
"""OpenAI's own API rejects `top_k`, `reasoning_content` and, for new models, `max_tokens`; most
other servers of this dialect know only these."""
_REASONING = frozenset(["reasoning_content", "reasoning"])


def adapted(body: Json) -> Json:
    """A client's own body, adapted to the model named in it: fields that this model rejects are
    dropped or renamed, and so is other models' reasoning in the conversation."""
    if not _OPENAI_MODEL.match(body["model"]):
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
    """The neutral fields as a chat body. Raises UpstreamRejected for what it cannot say."""
    native = request.dialect == NAME
    request = fitted(request, DESCRIPTION)
    openai_model = bool(_OPENAI_MODEL.match(model))
    messages = [m for message in request.messages for m in _messages_out(message)]
    if openai_model:
        for message in messages:
            message.pop("reasoning_content", None)
    body: Json = {"model": model, "messages": messages}
    tools = [_tool_out(tool) for tool in request.tools if native or portable(tool, DESCRIPTION)]
    if tools:
        body["tools"] = tools
        if request.tool_choice != ToolChoice():
            body["tool_choice"] = _tool_choice_out(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.format.kind != "text":
        body["response_format"] = format_out(request.format)
    body.update(_sampling_out(request, openai_model=openai_model))
    if request.stream:
        body["stream"] = True
    if request.user is not None:
        body["user"] = request.user
    if request.metadata:
        body["metadata"] = request.metadata
    return body | carried(request, NAME)


def _sampling_out(request: Request, *, openai_model: bool) -> Json:
    sampling = request.sampling
    options = {
        "max_completion_tokens" if openai_model else "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": None if openai_model else sampling.top_k,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "logit_bias": sampling.logit_bias,
        "logprobs": sampling.logprobs or None,
        "top_logprobs": sampling.top_logprobs,
        "n": sampling.n if sampling.n > 1 else None,
        "reasoning_effort": DESCRIPTION.effort(sampling.reasoning_effort),
        "verbosity": sampling.verbosity,
    }
    return {k: v for k, v in options.items() if v is not None}


def format_out(format: Format) -> Json:
    """A promised shape as a `response_format`."""
    if format.kind != "json_schema":
        return {"type": format.kind}
    form = {"name": format.name, "schema": format.schema, "strict": format.strict}
    return {"type": "json_schema", "json_schema": form}


def _messages_out(message: Message) -> list[Json]:
    """A neutral message is one or several of OpenAI's: each tool result is a message."""
    messages: list[Json] = []
    rest: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            content = _content_out(part.parts)
            messages.append({"role": "tool", "tool_call_id": part.call_id, "content": content})
        else:
            rest.append(part)
    if message.role == "assistant" and (rest or not messages):
        messages.append(_assistant_out(rest))
    elif rest:
        messages.append({"role": message.role, "content": _content_out(tuple(rest))})
    if message.name is not None and messages:
        messages[-1]["name"] = message.name
    return messages


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
    if isinstance(part, Opaque):
        return part.raw
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Media):
        return _media_out(part)
    return None


def _media_out(part: Media) -> Json:
    address, content = media.url(part), media.inline(part)
    if part.kind == "image" and address is not None:
        detail = {"detail": part.extra["detail"]} if "detail" in part.extra else {}
        return {"type": "image_url", "image_url": {"url": address, **detail}}
    if part.kind == "audio" and content is not None:
        mime, data = content
        audio = {"data": data, "format": mime.rpartition("/")[2]}
        return {"type": "input_audio", "input_audio": audio}
    if part.kind == "file" and part.file_id is not None:
        return {"type": "file", "file": {"file_id": part.file_id}}
    if part.kind == "file" and content is not None:
        file = {"filename": part.name or "file", "file_data": media.data_url(*content)}
        return {"type": "file", "file": file}
    raise refuse_media(part)


def _tool_out(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.extra.get("type") == "custom":
        if "format" in tool.extra:
            function["format"] = _grammar_out(tool.extra["format"])
        return {"type": "custom", "custom": function}
    if is_vendor_tool(tool):
        return tool.extra
    function["parameters"] = tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _grammar_out(format: Json) -> Json:
    """Responses puts a grammar's fields next to its type; chat nests them."""
    if format.get("type") != "grammar" or "grammar" in format:
        return format
    return {"type": "grammar", "grammar": {k: v for k, v in format.items() if k != "type"}}


def _tool_choice_out(choice: ToolChoice) -> Json | str:
    functions = [{"type": "function", "function": {"name": name}} for name in choice.names]
    if not functions:
        return choice.mode
    if choice.mode == "required" and len(functions) == 1:
        return functions[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": functions}}
