"""Reading a client's request in OpenAI Responses."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from shortstop.dialects import fields
from shortstop.dialects.fields import reject
from shortstop.dialects.responses.describe import DESCRIPTION, NAME
from shortstop.dialects.responses.wire import LOGPROBS, reasoning_text
from shortstop.dialects.usage import possible_searches, served_as
from shortstop.types import (
    Format,
    Json,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

ROLES = ("user", "assistant", "system", "developer")
READ_FIELDS = frozenset(
    [
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "stream",
        "stream_options",
        "user",
        "metadata",
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_logprobs",
    ]
)
"""Top-level fields that become fields of `Request`; all others are its `extra`."""


def request_in(body: Json, id: str) -> Request:
    """Raises InvalidRequest."""
    text = fields.string(body, "instructions")
    instructions = (Message("system", (Text(text),)),) if text else ()
    pinned = any(body.get(name) for name in DESCRIPTION.pinning)
    return Request(
        id=id,
        dialect=NAME,
        body=body,
        model=fields.model(body),
        tariff=served_as(body),
        searches=possible_searches(body.get("tools")),
        messages=(*instructions, *_input(body.get("input"), may_be_absent=pinned or bool(text))),
        tools=_tools(body),
        tool_choice=_tool_choice(body.get("tool_choice")),
        parallel_tool_calls=fields.flag(body, "parallel_tool_calls"),
        sampling=_sampling(body),
        format=_format(fields.optional_table(body, "text").get("format")),
        stream=bool(fields.flag(body, "stream")),
        stream_usage=True,
        user=fields.string(body, "user"),
        metadata=fields.optional_table(body, "metadata"),
        extra={k: v for k, v in body.items() if k not in READ_FIELDS},
    )


# ---------------------------------------------------------------- input items


def _input(value: Any, *, may_be_absent: bool) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (Message("user", (Text(value),)),)
    if value is None and may_be_absent:
        return ()
    if not isinstance(value, list):
        reject("input", "Must be a string or a list of items")
    if not value and not may_be_absent:
        reject("input", "Must hold at least one item")
    return _merged([_item(item, f"input[{i}]") for i, item in enumerate(value)])


def _merged(items: list[Message]) -> tuple[Message, ...]:
    """Reasoning, text and calls of one turn are separate items, but one neutral message."""
    messages: list[Message] = []
    for item in items:
        last = messages[-1] if messages else None
        if last is not None and last.role == item.role == "assistant":
            messages[-1] = Message("assistant", last.parts + item.parts)
        else:
            messages.append(item)
    return tuple(messages)


def _item(value: Any, path: str) -> Message:
    kind = fields.table(value, path).get("type", "message")
    if kind == "message":
        return _message(value, path)
    if kind in ("function_call", "custom_tool_call"):
        return Message("assistant", (_call(value, path),))
    if kind in ("function_call_output", "custom_tool_call_output"):
        parts = _content(value.get("output"), f"{path}.output")
        call_id = fields.text(value.get("call_id"), f"{path}.call_id")
        result = tuple([p for p in parts if isinstance(p, (Text, Media, Opaque))])
        return Message("tool", (ToolResult(call_id, result),))
    if kind == "reasoning":
        extra = {k: value[k] for k in ("id", "encrypted_content") if value.get(k)}
        return Message("assistant", (Thinking(_reasoning(value, path), extra=extra),))
    return Message("assistant", (Opaque(fields.text(kind, f"{path}.type"), value),))


def _message(value: Json, path: str) -> Message:
    role = fields.one_of(value.get("role"), ROLES, f"{path}.role")
    parts = _content(value.get("content"), f"{path}.content")
    if not parts and role != "assistant":
        reject(f"{path}.content", "Must not be empty")
    return Message(role, parts)  # type: ignore[arg-type] # one of ROLES


def _reasoning(value: Json, path: str) -> str:
    for key in ("summary", "content"):
        for i, part in enumerate(fields.optional_items(value, key, f"{path}.")):
            part_path = f"{path}.{key}[{i}]"
            fields.text(fields.table(part, part_path).get("text"), f"{part_path}.text")
    return reasoning_text(value)


def _call(value: Json, path: str) -> ToolCall:
    id = fields.text(value.get("call_id"), f"{path}.call_id")
    name = fields.text(value.get("name"), f"{path}.name")
    if value["type"] == "custom_tool_call":
        text = fields.text(value.get("input", ""), f"{path}.input")
        return ToolCall(id, name, text, {"type": "custom"})
    namespace = fields.string(value, "namespace", f"{path}.")
    extra = {"namespace": namespace} if namespace else {}
    return ToolCall(id, name, fields.text(value.get("arguments", ""), f"{path}.arguments"), extra)


def _content(value: Any, path: str) -> tuple[Part, ...]:
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        reject(path, "Must be a string or a list of parts")
    return tuple([_part(p, f"{path}[{i}]") for i, p in enumerate(value)])


def _part(value: Any, path: str) -> Part:
    kind, prefix = fields.table(value, path).get("type"), f"{path}."
    if kind in ("input_text", "output_text", "text"):
        return Text(fields.text(value.get("text"), f"{path}.text"))
    if kind == "refusal":
        return Refusal(fields.text(value.get("refusal"), f"{path}.refusal"))
    if kind == "input_image":
        return Media(
            "image",
            url=fields.string(value, "image_url", prefix),
            file_id=fields.string(value, "file_id", prefix),
            extra={"detail": value["detail"]} if value.get("detail") else {},
        )
    if kind == "input_file":
        return Media(
            "file",
            data=fields.string(value, "file_data", prefix),
            url=fields.string(value, "file_url", prefix),
            file_id=fields.string(value, "file_id", prefix),
            name=fields.string(value, "filename", prefix),
        )
    if kind == "input_audio":
        audio = fields.table(value.get("input_audio"), f"{path}.input_audio")
        data = fields.text(audio.get("data"), f"{path}.input_audio.data")
        return Media("audio", data=data, mime=f"audio/{audio.get('format') or 'wav'}")
    return Opaque(fields.text(kind, f"{path}.type"), value)


# ---------------------------------------------------------------- tools


def _tools(body: Json) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for i, value in enumerate(fields.optional_items(body, "tools")):
        path = f"tools[{i}]"
        if fields.table(value, path).get("type") == "namespace":
            tools += _grouped(value, path)
        else:
            tools.append(_tool(value, path))
    return tuple(tools)


def _grouped(value: Json, path: str) -> list[Tool]:
    """The tools of a namespace, each of which knows it."""
    namespace = fields.text(value.get("name"), f"{path}.name")
    tools = [
        _tool(inner, f"{path}.tools[{i}]")
        for i, inner in enumerate(fields.optional_items(value, "tools", f"{path}."))
    ]
    return [replace(tool, extra={**tool.extra, "namespace": namespace}) for tool in tools]


def _tool(value: Any, path: str) -> Tool:
    kind = fields.text(fields.table(value, path).get("type"), f"{path}.type")
    if kind != "function":
        name = value.get("name")
        extra = {k: v for k, v in value.items() if k not in ("name", "description")}
        description = fields.string(value, "description", f"{path}.") or ""
        return Tool(name if isinstance(name, str) else kind, description, extra=extra)
    schema = value.get("parameters")
    return Tool(
        fields.text(value.get("name"), f"{path}.name"),
        fields.string(value, "description", f"{path}.") or "",
        {} if schema is None else fields.table(schema, f"{path}.parameters"),
        fields.flag(value, "strict", f"{path}."),
    )


def _tool_choice(value: Any) -> ToolChoice:
    if value is None:
        return ToolChoice()
    if isinstance(value, str):
        if value not in ("none", "auto", "required"):
            reject("tool_choice", "Must be 'none', 'auto', 'required' or name a function")
        return ToolChoice(value)  # type: ignore[arg-type] # checked against the literals above
    if fields.table(value, "tool_choice").get("type") != "allowed_tools":
        return ToolChoice("required", (_chosen(value, "tool_choice"),))
    mode, tools = value.get("mode", "auto"), fields.items(value.get("tools"), "tool_choice.tools")
    if mode not in ("auto", "required"):
        reject("tool_choice.mode", "Must be 'auto' or 'required'")
    return ToolChoice(
        mode, tuple([_chosen(t, f"tool_choice.tools[{i}]") for i, t in enumerate(tools)])
    )


def _chosen(value: Any, path: str) -> str:
    """A function by its name, a vendor's tool by its type."""
    name = fields.table(value, path).get("name") or value.get("type")
    return fields.text(name, f"{path}.name")


# ---------------------------------------------------------------- how to answer


def _format(value: Any) -> Format:
    if value is None:
        return Format()
    kind = fields.table(value, "text.format").get("type")
    if kind == "json_schema":
        schema = fields.table(value.get("schema"), "text.format.schema")
        name = fields.string(value, "name", "text.format.") or "answer"
        strict = bool(fields.flag(value, "strict", "text.format."))
        return Format("json_schema", schema, name, strict)
    if kind not in ("text", "json_object"):
        reject("text.format.type", "Must be 'text', 'json_object' or 'json_schema'")
    return Format(kind)


def _sampling(body: Json) -> Sampling:
    effort = fields.optional_table(body, "reasoning").get("effort")
    verbosity = fields.string(fields.optional_table(body, "text"), "verbosity", "text.")
    return Sampling(
        max_tokens=fields.integer(body, "max_output_tokens", 1),
        temperature=fields.number(body, "temperature", 0, 2),
        top_p=fields.number(body, "top_p", 0, 1),
        logprobs=LOGPROBS in fields.optional_items(body, "include"),
        top_logprobs=fields.integer(body, "top_logprobs", 0, 20),
        reasoning_effort=None if effort is None else fields.text(effort, "reasoning.effort"),
        verbosity=verbosity,
    )
