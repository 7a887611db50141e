"""Tool calling for any model: the tools go into the prompt, the calls come out of a schema.

The chat templates of small models often have no place for tools. So the request is rewritten as
one for JSON, whose schema admits nothing but calls of the offered tools with valid arguments or,
where the client left it open, an answer in words; the engine decodes under that schema's grammar,
and `calls` reads its output back as tool calls. Everything here is pure.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop import bounded
from shortstop.errors import InvalidRequest
from shortstop.serving.engines.grammar import with_instructions
from shortstop.serving.engines.signature import signature
from shortstop.types import (
    Format,
    Json,
    Message,
    Part,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

MAX_CALLS = 8
"""Calls in one reply."""


def wants_calls(request: Request) -> bool:
    """Whether the reply may hold tool calls."""
    return bool(request.tools) and request.tool_choice.mode != "none"


def mentions_calls(request: Request) -> bool:
    """Whether the conversation holds calls or results, which some templates cannot render."""
    return any(isinstance(p, ToolCall | ToolResult) for m in request.messages for p in m.parts)


def without_tools(request: Request) -> Request:
    """The same request for a model without tools: as one for JSON, where calls are wanted.

    Raises InvalidRequest when `tool_choice` names a tool that is not offered.
    """
    messages = tuple(_plain(message, _names(request)) for message in request.messages)
    plain = replace(
        request, messages=messages, tools=(), tool_choice=ToolChoice(), parallel_tool_calls=None
    )
    if not wants_calls(request):
        return plain
    tools = offered(request)
    messages = with_instructions(messages, _instructions(request, tools))
    schema = Format("json_schema", schema_of(request, tools), name="reply", strict=True)
    return replace(plain, messages=messages, format=schema)


def offered(request: Request) -> list[Tool]:
    """The tools that may be called. Raises InvalidRequest when `tool_choice` names another."""
    names = request.tool_choice.names
    tools = {tool.name for tool in request.tools}
    unknown = [name for name in names if name not in tools]
    if unknown:
        raise InvalidRequest(
            f"tool_choice names {unknown[0]!r}, which is not among the tools.", param="tool_choice"
        )
    return [tool for tool in request.tools if not names or tool.name in names]


# ---------------------------------------------------------------- the prompt


def _instructions(request: Request, tools: list[Tool]) -> str:
    lines = [f"- {signature(tool)}" for tool in tools]
    how = 'To call tools, write {"calls": [{"name": ..., "arguments": {...}}]}.'
    if request.tool_choice.mode == "auto":
        how += ' If no tool is needed, write {"answer": ...} instead.'
    return "\n".join(["You can call these tools:", *lines, how])


def _names(request: Request) -> dict[str, str]:
    """Tool names by the ids of their calls."""
    return {p.id: p.name for m in request.messages for p in m.parts if isinstance(p, ToolCall)}


def _plain(message: Message, names: dict[str, str]) -> Message:
    """Calls and results written out as text, for templates that render neither."""
    if not any(isinstance(p, ToolCall | ToolResult) for p in message.parts):
        return message
    calls = [
        {"name": p.name, "arguments": _parsed(p.arguments)}
        for p in message.parts
        if isinstance(p, ToolCall)
    ]
    parts = [_result_as_text(p, names) for p in message.parts if not isinstance(p, ToolCall)]
    if calls:
        parts.append(Text(_json({"calls": calls})))
    return Message("user" if message.role == "tool" else message.role, tuple(parts))


def _result_as_text(part: Part, names: dict[str, str]) -> Part:
    if not isinstance(part, ToolResult):
        return part
    text = "\n".join(p.text for p in part.parts if isinstance(p, Text))
    failed = " failed" if part.is_error else ""
    return Text(f"Tool {names.get(part.call_id, part.call_id)}{failed}: {text}")


def _parsed(arguments: str) -> Any:
    try:
        return bounded.decode(arguments or "{}")
    except (ValueError, RecursionError):
        return arguments


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# ---------------------------------------------------------------- the schema


def schema_of(request: Request, tools: list[Tool]) -> Json:
    """JSON Schema of the reply: `{"calls": [...]}`, or `{"answer": ...}` where that is allowed."""
    definitions: Json = {}
    calls = [_call(tool, i, definitions) for i, tool in enumerate(tools)]
    call = calls[0] if len(calls) == 1 else {"anyOf": calls}
    limit = 1 if request.parallel_tool_calls is False else MAX_CALLS
    array = {"type": "array", "items": call, "minItems": 1, "maxItems": limit}
    branches = [_object_of("calls", array)]
    if request.tool_choice.mode == "auto":
        branches.append(_object_of("answer", _answer(request.format, len(tools), definitions)))
    schema: Json = branches[0] if len(branches) == 1 else {"anyOf": branches}
    return {**schema, "$defs": definitions} if definitions else schema


def _call(tool: Tool, number: int, definitions: Json) -> Json:
    arguments = _hoisted(tool.schema or {"type": "object"}, f"t{number}", definitions)
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _answer(promised: Format, number: int, definitions: Json) -> Json:
    if promised.kind == "json_schema":
        return _hoisted(promised.schema, f"t{number}", definitions)
    return {"type": "object"} if promised.kind == "json_object" else {"type": "string"}


def _object_of(name: str, value: Json) -> Json:
    return {
        "type": "object",
        "properties": {name: value},
        "required": [name],
        "additionalProperties": False,
    }


def _hoisted(schema: Json, prefix: str, definitions: Json) -> Json:
    """`schema` for use inside another one: its definitions move to `definitions`, the root's."""
    inner = copy.deepcopy(schema)
    for place in ("$defs", "definitions"):
        for name, value in (inner.pop(place, None) or {}).items():
            definitions[f"{prefix}_{name}"] = _renamed(value, prefix)
    renamed: Json = _renamed(inner, prefix)
    return renamed


def _renamed(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return {
            k: _reference(v, prefix) if k == "$ref" else _renamed(v, prefix)
            for k, v in value.items()
        }
    return [_renamed(v, prefix) for v in value] if isinstance(value, list) else value


def _reference(target: Any, prefix: str) -> Any:
    for place in ("#/$defs/", "#/definitions/"):
        if isinstance(target, str) and target.startswith(place):
            return f"#/$defs/{prefix}_{target.removeprefix(place)}"
    return target
