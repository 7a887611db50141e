"""Reading Responses requests: every body is understood or refused with the field at fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.dialects.responses.request_in import READ_FIELDS
from shortstop.errors import InvalidRequest
from shortstop.types import Opaque, Text, Thinking, ToolCall
from tests.dialects.strategies import bodies, read_or_refused, texts

RESPONSES = dialects.get("openai.responses")
KINDS = ["message", "function_call", "function_call_output", "reasoning", "custom_tool_call"]


def request(**more: Any) -> Any:
    return RESPONSES.decode_request({"model": "auto", "input": "Hello!", **more}, "r")


@given(bodies(RESPONSES, ["call_id", "summary", "input_image", "input_file", "output"]))
@settings(max_examples=300, deadline=None)
def test_any_body_is_understood_or_refused(body: Any) -> None:
    read_or_refused(RESPONSES, body)


@given(item=bodies(RESPONSES, ["call_id", "summary", "output"]), kind=st.sampled_from(KINDS))
@settings(max_examples=200, deadline=None)
def test_any_item_is_understood_or_refused(item: Any, kind: str) -> None:
    read_or_refused(RESPONSES, {"model": "m", "input": [{**item, "type": kind}]})


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": []}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": 7}]}]}, "input[0].content[0].type"),
        ({"input": [{"type": 7}]}, "input[0].type"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"reasoning": {"effort": 3}}, "reasoning.effort"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"instructions": 1}, "instructions"),
    ],
)
def test_the_field_at_fault_is_named(more: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(**more)
    assert caught.value.param == param


@given(st.dictionaries(texts, st.integers(), max_size=3))
def test_unknown_fields_are_kept_apart(unknown: dict[str, int]) -> None:
    more = {name: value for name, value in unknown.items() if name not in READ_FIELDS}
    assert request(**more).extra == more


def test_items_of_one_turn_are_one_message() -> None:
    asked = request(
        input=[
            {"role": "user", "content": "Weather?"},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm"}],
            },
            {"type": "message", "role": "assistant", "content": "Let me look."},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "42"},
        ]
    )
    assert [m.role for m in asked.messages] == ["user", "assistant", "tool"]
    assert asked.messages[1].parts == (
        Thinking("Hm", extra={"id": "rs_1"}),
        Text("Let me look."),
        ToolCall("c1", "f", "{}"),
    )


@pytest.mark.parametrize("kind", ["compaction", "mcp_call", "web_search_call", "something_new"])
def test_items_of_the_vendors_own_tools_are_kept_as_they_are(kind: str) -> None:
    item = {"type": kind, "id": "x_1", "anything": [1]}
    assert request(input=[item]).messages[0].parts == (Opaque(kind, item),)


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt"])
def test_a_conversation_at_the_vendor_needs_no_input(field: str) -> None:
    body = {"model": "auto", field: "x"}
    assert RESPONSES.decode_request(body, "r").messages == ()
