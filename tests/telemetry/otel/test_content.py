"""Messages as OpenTelemetry writes them: words and calls, never pictures, never too much."""

from __future__ import annotations

import json
from typing import Any

from shortstop.telemetry.otel.content import LARGEST, content_attributes
from shortstop.types import (
    Choice,
    Media,
    Message,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)


def told(messages: tuple[Message, ...], choices: tuple[Choice, ...] = ()) -> dict[str, Any]:
    values = content_attributes(messages, choices)
    return {name: json.loads(str(text)) for name, text in values.items() if text is not None}


def test_what_was_asked_and_answered() -> None:
    asked = (Message("system", (Text("Be brief."),)), Message("user", (Text("Hi"),)))
    said = (Choice(parts=(Text("Hello!"),), finish="stop"),)
    assert told(asked, said) == {
        "gen_ai.input.messages": [
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
        ],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [{"type": "text", "content": "Hello!"}],
                "finish_reason": "stop",
            }
        ],
    }


def test_calls_and_what_is_no_text() -> None:
    parts = (
        Thinking("Hm."),
        ToolCall("c1", "pay", '{"sum":1}'),
        ToolResult("c1", (Text("paid"),)),
        Refusal("No."),
        Media("image", data="c2VjcmV0"),
        Opaque("odd", {"x": "secret"}),
    )
    (message,) = told((Message("assistant", parts),))["gen_ai.input.messages"]
    assert message["parts"] == [
        {"type": "reasoning", "content": "Hm."},
        {"type": "tool_call", "id": "c1", "name": "pay", "arguments": '{"sum":1}'},
        {"type": "tool_call_response", "id": "c1", "response": "paid"},
        {"type": "text", "content": "No."},
        {"type": "image"},
        {"type": "other"},
    ]


def test_what_is_too_large_is_left_out() -> None:
    asked = (Message("user", (Text("x" * LARGEST),)),)
    assert list(told(asked, (Choice(parts=(Text("ok"),)),))) == ["gen_ai.output.messages"]
