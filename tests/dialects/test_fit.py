"""A request within a target's limits says what it said."""

from __future__ import annotations

import json
from typing import Any

from shortstop import dialects
from shortstop.dialects.fit import closed, fitted, object_schema
from shortstop.types import Message, Request, Text, ToolCall, ToolResult

CHAT = dialects.description_of("openai.chat")
CLAUDE = dialects.description_of("anthropic.messages")


def asked(*messages: Message, door: str = "openai.responses") -> Request:
    return Request("r", door, {}, "m", messages)


def test_results_follow_their_calls_in_order() -> None:
    calls = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")))
    results = [Message("tool", (ToolResult(id, (Text(id),)),)) for id in "ba"]
    between = Message("developer", (Text("Approved."),))
    made = fitted(asked(calls, results[0], between, results[1]), CHAT).messages
    assert [m.role for m in made] == ["assistant", "tool", "tool", "developer"]
    assert [p.call_id for m in made for p in m.parts if isinstance(p, ToolResult)] == ["a", "b"]


def test_calls_that_share_an_id_get_one_each() -> None:
    turn = [
        Message("assistant", (ToolCall("f", "f", "{}"),)),
        Message("tool", (ToolResult("f", (Text("1"),)),)),
        Message("assistant", (ToolCall("f", "f", "{}"),)),
        Message("tool", (ToolResult("f", (Text("2"),)),)),
    ]
    made = [p for m in fitted(asked(*turn), CLAUDE).messages for p in m.parts]
    calls = [p.id for p in made if isinstance(p, ToolCall)]
    results = {p.call_id: p.parts[0] for p in made if isinstance(p, ToolResult)}
    assert len(set(calls)) == 2
    assert [results[id] for id in calls] == [Text("1"), Text("2")]


def test_several_results_of_one_call_are_joined() -> None:
    turn = [
        Message("assistant", (ToolCall("f", "f", "{}"),)),
        Message("tool", (ToolResult("f", (Text("1"),)),)),
        Message("user", (Text("And?"),)),
        Message("tool", (ToolResult("f", (Text("2"),), is_error=True),)),
    ]
    made = fitted(asked(*turn), CLAUDE).messages
    assert made[1].parts == (ToolResult("f", (Text("1"), Text("2")), is_error=True),)
    assert [m.role for m in made] == ["assistant", "tool", "user"]


def test_instructions_alone_are_asked_where_somebody_must() -> None:
    alone = asked(Message("system", (Text("Say hi."),)))
    assert [m.role for m in fitted(alone, CLAUDE).messages] == ["user"]
    assert [m.role for m in fitted(alone, CHAT).messages] == ["system"]


def test_schemas_are_of_objects_that_say_what_they_hold() -> None:
    assert object_schema({}) == {"type": "object", "properties": {}}
    assert object_schema({"$ref": "#/$defs/x"}) == {"type": "object", "$ref": "#/$defs/x"}
    inner: Any = {"type": "object", "properties": {"enum": {"type": "string"}}}
    outer = {"type": "array", "items": {"anyOf": [inner]}, "default": {"type": "object"}}
    assert json.dumps(closed(outer)).count('"additionalProperties": false') == 1
    assert closed(outer)["default"] == {"type": "object"}
