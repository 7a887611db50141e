"""Tool calling for any model: the tools go into the prompt, the calls come out of a schema.

Small models' chat templates often know no tools. So the request is posed as one for JSON, whose
schema admits nothing but calls of the offered tools with valid arguments or, where the client left
it open, an answer in words; the engine decodes under that schema's grammar, and what it wrote is
read back as tool calls. Everything here is pure.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.errors import InvalidRequest
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

MOST_CALLS = 8
MOST_DESCRIBED = 400
"""Characters of a tool's description that a small model is shown."""


def wants_calls(request: Request) -> bool:
    return bool(request.tools) and request.tool_choice.mode != "none"


def talks_of_calls(request: Request) -> bool:
    """Whether the conversation holds calls or results, which some templates cannot show."""
    return any(isinstance(p, ToolCall | ToolResult) for m in request.messages for p in m.parts)


def posed(request: Request) -> Request:
    """The request without tools, for a model that knows none. Raises InvalidRequest."""
    messages = tuple(_plain(message, _names(request)) for message in request.messages)
    untold = replace(
        request, messages=messages, tools=(), tool_choice=ToolChoice(), parallel_tool_calls=None
    )
    if not wants_calls(request):
        return untold
    tools = offered(request)
    said = Message("system", (Text(_explained(request, tools)),))
    first, rest = (messages[:1], messages[1:]) if messages[:1] else ((), ())
    if first and first[0].role in ("system", "developer"):
        joined = Message("system", (Text(f"{first[0].text}\n\n{said.text}"),))
        messages = (joined, *rest)
    else:
        messages = (said, *messages)
    shape = Format("json_schema", schema_of(request, tools), name="reply", strict=True)
    return replace(untold, messages=messages, format=shape)


def offered(request: Request) -> list[Tool]:
    """The tools that may be called. Raises InvalidRequest when one is named that is not there."""
    names = request.tool_choice.names
    known = {tool.name for tool in request.tools}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidRequest(
            f"tool_choice names {unknown[0]!r}, which is not among the tools.", param="tool_choice"
        )
    return [tool for tool in request.tools if not names or tool.name in names]


# ---------------------------------------------------------------- the prompt


def _explained(request: Request, tools: list[Tool]) -> str:
    lines = [
        f"- {tool.name}: {tool.description[:MOST_DESCRIBED]} Arguments: {_json(tool.schema)}"
        for tool in tools
    ]
    how = 'To call tools, write {"calls": [{"name": ..., "arguments": {...}}]}.'
    if request.tool_choice.mode == "auto":
        how += ' If no tool is needed, write {"answer": ...} instead.'
    return "\n".join(["You can call these tools:", *lines, how])


def _names(request: Request) -> dict[str, str]:
    """Tool names by the ids of their calls."""
    return {p.id: p.name for m in request.messages for p in m.parts if isinstance(p, ToolCall)}


def _plain(message: Message, names: dict[str, str]) -> Message:
    """Calls and results written out, for templates that know neither."""
    if not any(isinstance(p, ToolCall | ToolResult) for p in message.parts):
        return message
    calls = [
        {"name": p.name, "arguments": _loose(p.arguments)}
        for p in message.parts
        if isinstance(p, ToolCall)
    ]
    parts = [_told(p, names) for p in message.parts if not isinstance(p, ToolCall)]
    if calls:
        parts.append(Text(_json({"calls": calls})))
    return Message("user" if message.role == "tool" else message.role, tuple(parts))


def _told(part: Part, names: dict[str, str]) -> Part:
    if not isinstance(part, ToolResult):
        return part
    said = "\n".join(p.text for p in part.parts if isinstance(p, Text))
    failed = " failed" if part.is_error else ""
    return Text(f"Tool {names.get(part.call_id, part.call_id)}{failed}: {said}")


def _loose(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        return arguments


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# ---------------------------------------------------------------- the schema


def schema_of(request: Request, tools: list[Tool]) -> Json:
    """JSON Schema of the reply: `{"calls": [...]}`, or `{"answer": ...}` where that is allowed."""
    definitions: Json = {}
    calls = [_call(tool, i, definitions) for i, tool in enumerate(tools)]
    one = calls[0] if len(calls) == 1 else {"anyOf": calls}
    most = 1 if request.parallel_tool_calls is False else MOST_CALLS
    branches = [_only("calls", {"type": "array", "items": one, "minItems": 1, "maxItems": most})]
    if request.tool_choice.mode == "auto":
        branches.append(_only("answer", _answer(request.format, len(tools), definitions)))
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


def _only(name: str, value: Json) -> Json:
    return {
        "type": "object",
        "properties": {name: value},
        "required": [name],
        "additionalProperties": False,
    }


def _hoisted(schema: Json, prefix: str, definitions: Json) -> Json:
    """`schema` for use inside another one: its definitions move to the root's `$defs`."""
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


def _reference(said: Any, prefix: str) -> Any:
    for place in ("#/$defs/", "#/definitions/"):
        if isinstance(said, str) and said.startswith(place):
            return f"#/$defs/{prefix}_{said.removeprefix(place)}"
    return said
