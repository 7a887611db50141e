"""Reading a client's request in Anthropic Messages."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects import fields
from shortstop.dialects.anthropic.describe import NAME
from shortstop.dialects.fields import reject
from shortstop.dialects.usage import possible_searches, served_as
from shortstop.types import (
    Format,
    Json,
    Media,
    MediaKind,
    Message,
    Opaque,
    Part,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

_ENCODE = msgspec.json.Encoder().encode
READ_FIELDS = frozenset(
    [
        "model",
        "messages",
        "system",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "stream",
        "tools",
        "tool_choice",
        "metadata",
        "thinking",
        "output_config",
    ]
)
"""Top-level fields that become fields of `Request`; all others are its `extra`."""
ROLES = ("assistant", "system", "user")
_MODES = {"auto": "auto", "any": "required", "none": "none"}


def request_in(body: Json, id: str) -> Request:
    """Raises InvalidRequest."""
    tool_choice, parallel = _tool_choice(body)
    metadata = fields.optional_table(body, "metadata")
    return Request(
        id=id,
        dialect=NAME,
        body=body,
        model=fields.model(body),
        tariff=served_as(body),
        searches=possible_searches(body.get("tools")),
        messages=(*_system(body.get("system")), *_messages(body.get("messages"))),
        tools=_tools(body),
        tool_choice=tool_choice,
        parallel_tool_calls=parallel,
        sampling=_sampling(body),
        format=_format(body),
        stream=bool(fields.flag(body, "stream")),
        stream_usage=True,
        user=fields.string(metadata, "user_id", "metadata."),
        metadata={k: v for k, v in metadata.items() if k != "user_id"},
        extra={k: v for k, v in body.items() if k not in READ_FIELDS},
    )


# ---------------------------------------------------------------- messages


def _system(value: Any) -> tuple[Message, ...]:
    if value is None or value in ("", []):
        return ()
    return (Message("system", _content(value, "system", ("text",))),)


def _messages(value: Any) -> tuple[Message, ...]:
    messages = fields.items(value, "messages")
    if not messages:
        reject("messages", "Must hold at least one message")
    return tuple([m for i, value in enumerate(messages) for m in _message(value, f"messages[{i}]")])


def _message(value: Any, path: str) -> list[Message]:
    """One of Anthropic's messages. Results of tools become messages of their own, which come
    before the user's text in the same message."""
    role = fields.one_of(fields.table(value, path).get("role"), ROLES, f"{path}.role")
    parts = _content(value.get("content"), f"{path}.content")
    if not parts and role != "assistant":
        reject(f"{path}.content", "Must not be empty")
    results = [p for p in parts if isinstance(p, ToolResult)]
    if not results:
        return [Message(role, parts)]  # type: ignore[arg-type] # one of ROLES
    if role != "user":
        reject(f"{path}.content", "Only a user's message may hold tool results")
    rest = tuple([p for p in parts if not isinstance(p, ToolResult)])
    messages = [Message("tool", (result,)) for result in results]
    return [*messages, Message("user", rest)] if rest else messages


def _content(value: Any, path: str, kinds: tuple[str, ...] = ()) -> tuple[Part, ...]:
    """A string or a list of blocks, only of the `kinds` given, if any are."""
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        reject(path, "Must be a string or a list of blocks")
    return tuple([_part(block, f"{path}[{i}]", kinds) for i, block in enumerate(value)])


def _part(value: Any, path: str, kinds: tuple[str, ...]) -> Part:
    kind = fields.table(value, path).get("type")
    if kinds:
        fields.one_of(kind, kinds, f"{path}.type")
    if kind == "text":
        return Text(fields.text(value.get("text"), f"{path}.text"), _rest(value, "text"))
    if kind in ("image", "document"):
        return _media(value, path, "image" if kind == "image" else "file")
    if kind == "tool_result":
        return _tool_result(value, path)
    if kind == "tool_use":
        return ToolCall(
            fields.text(value.get("id"), f"{path}.id"),
            fields.text(value.get("name"), f"{path}.name"),
            _ENCODE(fields.table(value.get("input"), f"{path}.input")).decode(),
            _rest(value, "id", "name", "input"),
        )
    if kind == "thinking":
        text = fields.text(value.get("thinking"), f"{path}.thinking")
        return Thinking(text, fields.string(value, "signature", f"{path}."))
    if kind == "redacted_thinking":
        return Thinking(redacted=fields.text(value.get("data"), f"{path}.data"))
    return Opaque(fields.text(kind, f"{path}.type"), value)


def _rest(value: Json, *read: str) -> Json:
    return {k: v for k, v in value.items() if k != "type" and k not in read}


def _media(value: Json, path: str, kind: MediaKind) -> Part:
    source, source_path = fields.table(value.get("source"), f"{path}.source"), f"{path}.source"
    form, extra, name = source.get("type"), _rest(value, "source"), value.get("title")
    if form == "base64":
        data = fields.text(source.get("data"), f"{source_path}.data")
        return Media(kind, mime=source.get("media_type"), data=data, name=name, extra=extra)
    if form == "url":
        url = fields.text(source.get("url"), f"{source_path}.url")
        return Media(kind, url=url, name=name, extra=extra)
    if form == "file":
        file_id = fields.text(source.get("file_id"), f"{source_path}.file_id")
        return Media(kind, file_id=file_id, name=name, extra=extra)
    if form in ("text", "content"):
        return Opaque("document", value)
    reject(f"{source_path}.type", "Must be 'base64', 'url', 'file', 'text' or 'content'")


def _tool_result(value: Json, path: str) -> ToolResult:
    content = value.get("content")
    parts = () if content is None else _content(content, f"{path}.content")
    return ToolResult(
        fields.text(value.get("tool_use_id"), f"{path}.tool_use_id"),
        tuple([p for p in parts if isinstance(p, (Text, Media, Opaque))]),
        bool(fields.flag(value, "is_error")),
        _rest(value, "tool_use_id", "content", "is_error"),
    )


# ---------------------------------------------------------------- tools


def _tools(body: Json) -> tuple[Tool, ...]:
    tools = fields.optional_items(body, "tools")
    return tuple([_tool(tool, f"tools[{i}]") for i, tool in enumerate(tools)])


def _tool(value: Any, path: str) -> Tool:
    extra = _rest(fields.table(value, path), "name", "description", "input_schema", "strict")
    schema: Json = {}
    if value.get("type") in (None, "custom"):
        schema = fields.table(value.get("input_schema"), f"{path}.input_schema")
    else:
        extra["type"] = value["type"]
    return Tool(
        fields.text(value.get("name") or value.get("mcp_server_name"), f"{path}.name"),
        fields.string(value, "description", f"{path}.") or "",
        schema,
        fields.flag(value, "strict", f"{path}."),
        extra,
    )


def _tool_choice(body: Json) -> tuple[ToolChoice, bool | None]:
    """The choice, and whether calls may be parallel: None when the client does not say."""
    value = fields.optional_table(body, "tool_choice")
    if not value:
        return ToolChoice(), None
    disabled = fields.flag(value, "disable_parallel_tool_use")
    parallel = None if disabled is None else not disabled
    kind = value.get("type")
    if kind == "tool":
        name = fields.text(value.get("name"), "tool_choice.name")
        return ToolChoice("required", (name,)), parallel
    if not isinstance(kind, str) or kind not in _MODES:
        reject("tool_choice.type", "Must be 'auto', 'any', 'tool' or 'none'")
    return ToolChoice(_MODES[kind]), parallel  # type: ignore[arg-type] # the table's values


# ---------------------------------------------------------------- how to answer


def _format(body: Json) -> Format:
    output = fields.optional_table(body, "output_config")
    value = output.get("format") or body.get("output_format")
    if not value:
        return Format()
    if fields.table(value, "output_config.format").get("type") != "json_schema":
        reject("output_config.format.type", "Must be 'json_schema'")
    schema = fields.table(value.get("schema"), "output_config.format.schema")
    return Format("json_schema", schema, strict=True)


def _sampling(body: Json) -> Sampling:
    thinking = fields.optional_table(body, "thinking")
    effort = fields.optional_table(body, "output_config").get("effort")
    if effort is None and thinking.get("type") == "disabled":
        effort = "none"
    stop = body.get("stop_sequences")
    return Sampling(
        max_tokens=fields.integer(body, "max_tokens", 1),
        temperature=fields.number(body, "temperature", 0, 1),
        top_p=fields.number(body, "top_p", 0, 1),
        top_k=fields.integer(body, "top_k"),
        stop=() if stop is None else tuple(filter(None, fields.strings(stop, "stop_sequences"))),
        reasoning_effort=None if effort is None else fields.text(effort, "output_config.effort"),
        thinking_budget=fields.integer(thinking, "budget_tokens", 1),
    )
