"""Reading a client's request in OpenAI Chat Completions."""

from __future__ import annotations

from typing import Any, get_args

from shortstop.dialects import fields
from shortstop.dialects.fields import reject
from shortstop.dialects.openai.describe import NAME
from shortstop.dialects.usage import possible_searches, served_as
from shortstop.errors import InvalidRequest
from shortstop.types import (
    Format,
    Json,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Request,
    Role,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

ROLES = sorted({*get_args(Role), "function"})
READ_FIELDS = frozenset(
    [
        "model",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "stream",
        "stream_options",
        "user",
        "metadata",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "seed",
        "stop",
        "n",
        "logprobs",
        "top_logprobs",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "reasoning_effort",
        "verbosity",
        "functions",
        "function_call",
        "top_k",
    ]
)
"""Top-level fields that become fields of `Request`; all others are its `extra`."""


def request_in(body: Json, id: str) -> Request:
    """Raises InvalidRequest."""
    stream_options = fields.optional_table(body, "stream_options")
    return Request(
        id=id,
        dialect=NAME,
        body=body,
        model=fields.model(body),
        tariff=served_as(body),
        searches=possible_searches(body.get("tools")),
        messages=_messages(body.get("messages")),
        tools=_tools(body),
        tool_choice=_tool_choice(body),
        parallel_tool_calls=fields.flag(body, "parallel_tool_calls"),
        sampling=_sampling(body),
        format=_format(body.get("response_format")),
        stream=bool(fields.flag(body, "stream")),
        stream_usage=bool(fields.flag(stream_options, "include_usage")),
        user=fields.string(body, "user"),
        metadata=fields.optional_table(body, "metadata"),
        extra={k: v for k, v in body.items() if k not in READ_FIELDS},
    )


def stops(body: Json) -> tuple[str, ...]:
    """The stop sequences: a string or strings. An empty one stops nothing."""
    value = body.get("stop")
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,) if value else ()
    if not isinstance(value, list) or not all(type(s) is str for s in value):
        reject("stop", "Must be a string or a list of strings")
    return tuple(filter(None, value))


def logit_bias(body: Json) -> Json | None:
    """Biases from -100 to 100 by token; None when there are none."""
    biases = fields.optional_table(body, "logit_bias")
    for token in biases:
        try:
            fields.number(biases, token, -100, 100)
        except InvalidRequest:
            reject("logit_bias", "Must hold numbers from -100 to 100")
    return biases or None


# ---------------------------------------------------------------- messages


def _messages(value: Any) -> tuple[Message, ...]:
    messages = fields.items(value, "messages")
    if not messages:
        reject("messages", "Must hold at least one message")
    return tuple([_message(m, f"messages[{i}]") for i, m in enumerate(messages)])


def _message(value: Any, path: str) -> Message:
    if type(value) is not dict:
        reject(path, "Must be an object")
    role = fields.one_of(value.get("role"), ROLES, f"{path}.role")
    content = value.get("content")
    if type(content) is str:
        parts: tuple[Part, ...] = (Text(content),)
    else:
        parts = _content(content, f"{path}.content")
    if role == "assistant":
        parts = _assistant(value, parts, path)
    elif role in ("tool", "function"):
        return Message("tool", (_tool_result(value, parts, path),))
    elif not parts:
        reject(f"{path}.content", "Must not be empty")
    name = value.get("name")
    if name is not None and not isinstance(name, str):
        reject(f"{path}.name", "Must be a string")
    return Message(role, parts, name)  # type: ignore[arg-type] # checked against ROLES


def _tool_result(value: Json, parts: tuple[Part, ...], path: str) -> ToolResult:
    key = "tool_call_id" if value["role"] == "tool" else "name"
    call_id = fields.text(value.get(key), f"{path}.{key}")
    return ToolResult(call_id, tuple([p for p in parts if isinstance(p, (Text, Media, Opaque))]))


def _content(value: Any, path: str) -> tuple[Part, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        reject(path, "Must be a string or a list of parts")
    return tuple([_part(p, f"{path}[{i}]") for i, p in enumerate(value)])


def _part(value: Any, path: str) -> Part:
    kind = fields.table(value, path).get("type")
    if kind == "text":
        extra = {k: v for k, v in value.items() if k not in ("type", "text")}
        return Text(fields.text(value.get("text"), f"{path}.text"), extra)
    if kind == "refusal":
        return Refusal(fields.text(value.get("refusal"), f"{path}.refusal"))
    if kind == "image_url":
        image = fields.table(value.get("image_url"), f"{path}.image_url")
        extra = {k: v for k, v in image.items() if k != "url"}
        url = fields.text(image.get("url"), f"{path}.image_url.url")
        return Media("image", url=url, extra=extra)
    if kind == "input_audio":
        audio = fields.table(value.get("input_audio"), f"{path}.input_audio")
        data = fields.text(audio.get("data"), f"{path}.input_audio.data")
        return Media("audio", data=data, mime=f"audio/{audio.get('format') or 'wav'}")
    if kind == "file":
        file, prefix = fields.table(value.get("file"), f"{path}.file"), f"{path}.file."
        return Media(
            "file",
            data=fields.string(file, "file_data", prefix),
            file_id=fields.string(file, "file_id", prefix),
            name=fields.string(file, "filename", prefix),
        )
    return Opaque(fields.text(kind, f"{path}.type"), value)


def _assistant(value: Json, content: tuple[Part, ...], path: str) -> tuple[Part, ...]:
    parts = [*content]
    prefix = f"{path}."
    thinking = fields.string(value, "reasoning_content", prefix)
    thinking = thinking or fields.string(value, "reasoning", prefix)
    if thinking:
        parts.insert(0, Thinking(thinking))
    refusal = fields.string(value, "refusal", prefix)
    if refusal:
        parts.append(Refusal(refusal))
    legacy_call = value.get("function_call")
    if legacy_call is not None:
        parts.append(_legacy_call(legacy_call, f"{path}.function_call"))
    for i, call in enumerate(fields.optional_items(value, "tool_calls", prefix)):
        parts.append(_call(call, f"{path}.tool_calls[{i}]"))
    return tuple(parts)


def _legacy_call(value: Any, path: str) -> ToolCall:
    name = fields.text(fields.table(value, path).get("name"), f"{path}.name")
    return ToolCall(name, name, fields.text(value.get("arguments", ""), f"{path}.arguments"))


def _call(value: Any, path: str) -> ToolCall:
    id = fields.text(fields.table(value, path).get("id"), f"{path}.id")
    if value.get("type") not in (None, "function", "custom"):
        reject(f"{path}.type", "Must be 'function' or 'custom'")
    if value.get("type") == "custom":
        custom = fields.table(value.get("custom"), f"{path}.custom")
        name = fields.text(custom.get("name"), f"{path}.custom.name")
        text = fields.text(custom.get("input", ""), f"{path}.custom.input")
        return ToolCall(id, name, text, {"type": "custom"})
    function = fields.table(value.get("function"), f"{path}.function")
    return ToolCall(
        id,
        fields.text(function.get("name"), f"{path}.function.name"),
        fields.text(function.get("arguments", ""), f"{path}.function.arguments"),
    )


# ---------------------------------------------------------------- tools


def _tools(body: Json) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for i, tool in enumerate(fields.optional_items(body, "tools")):
        path = f"tools[{i}]"
        kind = fields.table(tool, path).get("type")
        if kind == "custom":
            tools.append(_custom_tool(tool.get("custom"), f"{path}.custom"))
        elif kind == "function":
            tools.append(_tool(tool.get("function"), f"{path}.function"))
        else:
            tools.append(_vendor_tool(tool, path))
    for i, function in enumerate(fields.optional_items(body, "functions")):
        tools.append(_tool(function, f"functions[{i}]"))
    return tuple(tools)


def _tool(value: Any, path: str) -> Tool:
    fields.table(value, path)
    schema = value.get("parameters")
    return Tool(
        name=fields.text(value.get("name"), f"{path}.name"),
        description=fields.string(value, "description", f"{path}.") or "",
        schema={} if schema is None else fields.table(schema, f"{path}.parameters"),
        strict=fields.flag(value, "strict", f"{path}."),
    )


def _vendor_tool(value: Json, path: str) -> Tool:
    """A tool that runs at its vendor, known by its type."""
    kind = fields.text(value.get("type"), f"{path}.type")
    named = value.get("function") if isinstance(value.get("function"), dict) else value
    name = named.get("name") if isinstance(named, dict) else None
    return Tool(name if isinstance(name, str) else kind, extra={**value})


def _custom_tool(value: Any, path: str) -> Tool:
    name = fields.text(fields.table(value, path).get("name"), f"{path}.name")
    description = fields.string(value, "description", f"{path}.") or ""
    return Tool(name, description, extra={"type": "custom"})


def _tool_choice(body: Json) -> ToolChoice:
    value = body.get("tool_choice", body.get("function_call"))
    if value is None:
        return ToolChoice()
    if isinstance(value, str):
        value = "required" if value == "any" else value
        if value not in ("none", "auto", "required"):
            reject("tool_choice", "Must be 'none', 'auto', 'required' or name a function")
        return ToolChoice(value)  # type: ignore[arg-type] # checked against the literals above
    kind = fields.table(value, "tool_choice").get("type", "function")
    if kind not in ("function", "custom", "allowed_tools"):
        reject("tool_choice.type", "Must be 'function', 'custom' or 'allowed_tools'")
    if kind == "allowed_tools":
        return _allowed(fields.table(value.get("allowed_tools"), "tool_choice.allowed_tools"))
    return ToolChoice("required", (_chosen(value, "tool_choice"),))


def _allowed(value: Json) -> ToolChoice:
    mode, path = value.get("mode", "auto"), "tool_choice.allowed_tools"
    if mode not in ("auto", "required"):
        reject(f"{path}.mode", "Must be 'auto' or 'required'")
    tools = fields.items(value.get("tools"), f"{path}.tools")
    return ToolChoice(
        mode, tuple([_chosen(tool, f"{path}.tools[{i}]") for i, tool in enumerate(tools)])
    )


def _chosen(value: Any, path: str) -> str:
    named = fields.table(value, path).get("function") or value.get("custom") or value
    return fields.text(fields.table(named, f"{path}.function").get("name"), f"{path}.function.name")


# ---------------------------------------------------------------- how to answer


def _format(value: Any) -> Format:
    if value is None:
        return Format()
    kind = fields.table(value, "response_format").get("type")
    if kind == "json_schema":
        path = "response_format.json_schema"
        form = fields.table(value.get("json_schema"), path)
        schema = form.get("schema")
        return Format(
            "json_schema",
            {} if schema is None else fields.table(schema, f"{path}.schema"),
            fields.string(form, "name", f"{path}.") or "answer",
            bool(fields.flag(form, "strict", f"{path}.")),
        )
    if kind not in ("text", "json_object"):
        reject("response_format.type", "Must be 'text', 'json_object' or 'json_schema'")
    return Format(kind)


def _sampling(body: Json) -> Sampling:
    limit = fields.integer(body, "max_completion_tokens", 1)
    older_limit = fields.integer(body, "max_tokens", 1)
    return Sampling(
        max_tokens=limit if limit is not None else older_limit,
        temperature=fields.number(body, "temperature", 0, 2),
        top_p=fields.number(body, "top_p", 0, 1),
        top_k=fields.integer(body, "top_k", -1),
        seed=fields.integer(body, "seed", -(2**63)),
        stop=stops(body),
        frequency_penalty=fields.number(body, "frequency_penalty", -2, 2),
        presence_penalty=fields.number(body, "presence_penalty", -2, 2),
        logit_bias=logit_bias(body),
        logprobs=bool(fields.flag(body, "logprobs")),
        top_logprobs=fields.integer(body, "top_logprobs", 0, 20),
        n=fields.integer(body, "n", 1, 128) or 1,
        reasoning_effort=fields.string(body, "reasoning_effort"),
        verbosity=fields.string(body, "verbosity"),
    )
