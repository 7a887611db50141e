"""Reading chat requests: every body is understood or refused with the field at fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.dialects.openai.request_in import READ_FIELDS, ROLES
from shortstop.errors import InvalidRequest
from shortstop.types import Text, Tool, ToolCall, ToolChoice, ToolResult
from tests.dialects.strategies import bodies, read_or_refused, texts

CHAT = dialects.get("openai.chat")
HELLO = [{"role": "user", "content": "Hello!"}]


def request(**more: Any) -> Any:
    return CHAT.decode_request({"model": "auto", "messages": HELLO, **more}, "r")


@given(bodies(CHAT, ["tool", "custom", "function_call", "image_url", "input_audio", "file"]))
@settings(max_examples=300, deadline=None)
def test_any_body_is_understood_or_refused(body: Any) -> None:
    read_or_refused(CHAT, body)


@given(content=bodies(CHAT), role=st.sampled_from(ROLES))
@settings(max_examples=200, deadline=None)
def test_any_message_is_understood_or_refused(content: Any, role: str) -> None:
    for message in ({**content, "role": role}, {"role": role, "content": [content]}):
        read_or_refused(CHAT, {"model": "m", "messages": [message]})


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{}]}, "messages[0].role"),
        ({"messages": [*HELLO, {"role": "user", "content": []}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": "x", "name": 1}]}, "messages[0].name"),
        ({"tools": [{"type": 7}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"stop": [1]}, "stop"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"temperature": 3}, "temperature"),
        ({"stream": "yes"}, "stream"),
    ],
)  # fmt: skip
def test_the_field_at_fault_is_named(more: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(**more)
    assert caught.value.param == param


@given(st.dictionaries(texts, st.integers(), max_size=3))
def test_unknown_fields_are_kept_apart(unknown: dict[str, int]) -> None:
    more = {name: value for name, value in unknown.items() if name not in READ_FIELDS}
    assert request(**more).extra == more


def test_a_whole_turn_with_tools() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answered = request(
        messages=[
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
        ],
        tools=[{"type": "function", "function": {"name": "f", "strict": True}}],
        tool_choice={"type": "function", "function": {"name": "f"}},
    )
    assert [m.parts for m in answered.messages] == [
        (ToolCall("c1", "f", "{}"),),
        (ToolResult("c1", (Text("42"),)),),
    ]
    assert answered.tools == (Tool("f", strict=True),)
    assert answered.tool_choice == ToolChoice("required", ("f",))


def test_the_newer_limit_wins() -> None:
    assert request(max_tokens=5).sampling.max_tokens == 5
    assert request(max_tokens=5, max_completion_tokens=7).sampling.max_tokens == 7
