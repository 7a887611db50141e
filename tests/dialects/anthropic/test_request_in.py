"""Reading Messages requests: every body is understood or refused with the field at fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.dialects.anthropic.request_in import READ_FIELDS
from shortstop.errors import InvalidRequest
from shortstop.types import Opaque, Text, Thinking, ToolCall, ToolResult
from tests.dialects.strategies import bodies, read_or_refused, texts

CLAUDE = dialects.get("anthropic.messages")
HELLO = [{"role": "user", "content": "Hello!"}]
KINDS = ["text", "image", "tool_use", "tool_result", "thinking", "redacted_thinking", "document"]


RESULT = {"type": "tool_result", "tool_use_id": "t"}


def request(**more: Any) -> Any:
    return CLAUDE.decode_request({"model": "auto", "messages": HELLO, **more}, "r")


def blocks(*content: Any, role: str = "user") -> Any:
    return {"messages": [{"role": role, "content": [*content]}]}


@given(bodies(CLAUDE, ["source", "tool_use_id", "signature", "thinking"]))
@settings(max_examples=300, deadline=None)
def test_any_body_is_understood_or_refused(body: Any) -> None:
    read_or_refused(CLAUDE, body)


@given(block=bodies(CLAUDE, ["source", "data", "signature"]), kind=st.sampled_from(KINDS))
@settings(max_examples=200, deadline=None)
def test_any_block_is_understood_or_refused(block: Any, kind: str) -> None:
    for role in ("user", "assistant"):
        read_or_refused(CLAUDE, {"model": "m", **blocks({**block, "type": kind}, role=role)})


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        (blocks(), "messages[0].content"),
        (blocks({"type": 7}), "messages[0].content[0].type"),
        (blocks({"type": "tool_use", "id": "t", "name": "f"}), "messages[0].content[0].input"),
        (blocks({"type": "image", "source": {"type": "x"}}), "messages[0].content[0].source.type"),
        (blocks(RESULT, role="assistant"), "messages[0].content"),
        ({"system": [{"type": "image"}]}, "system[0].type"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"output_config": {"format": {"type": "yaml"}}}, "output_config.format.type"),
        ({"temperature": 1.5}, "temperature"),
        ({"thinking": {"budget_tokens": 0}}, "budget_tokens"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"metadata": {"user_id": 1}}, "metadata.user_id"),
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


def test_results_come_before_what_the_user_says_next_to_them() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "42", "is_error": True}
    asked = request(**blocks({"type": "text", "text": "And?"}, result))
    assert [(m.role, m.parts) for m in asked.messages] == [
        ("tool", (ToolResult("t1", (Text("42"),), is_error=True),)),
        ("user", (Text("And?"),)),
    ]


@given(st.dictionaries(texts, st.integers() | texts, max_size=3))
def test_a_calls_input_is_its_arguments(arguments: dict[str, Any]) -> None:
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": arguments}
    (call,) = request(**blocks(use, role="assistant")).messages[0].parts
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == arguments


def test_thinking_keeps_its_signature_and_its_cipher() -> None:
    parts = (
        request(
            **blocks(
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "redacted_thinking", "data": "xyz"},
                role="assistant",
            )
        )
        .messages[0]
        .parts
    )
    assert parts == (Thinking("Hm.", "sig"), Thinking(redacted="xyz"))


@pytest.mark.parametrize(
    "kind", ["search_result", "server_tool_use", "compaction", "something_new"]
)
def test_blocks_of_the_vendors_own_tools_are_kept_as_they_are(kind: str) -> None:
    block = {"type": kind, "anything": [1]}
    assert request(**blocks(block)).messages[0].parts == (Opaque(kind, block),)
