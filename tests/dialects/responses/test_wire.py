"""What requests, whole answers and streams share: usage, status, items, the response object."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.dialects.parsing import MALFORMED
from shortstop.dialects.responses.wire import (
    addressed,
    finish_from,
    items_out,
    parts_from,
    response_out,
    status_out,
    usage_out,
)
from shortstop.dialects.usage import usage_of
from shortstop.types import Finish, Opaque, Part, Text, Thinking, ToolCall, Usage
from tests.dialects.samples import asked
from tests.dialects.strategies import texts, usages, values

parts = st.lists(
    st.builds(Text, texts)
    | st.builds(Thinking, texts)
    | st.builds(ToolCall, texts, texts, texts)
    | st.builds(ToolCall, texts, texts, texts, st.just({"type": "custom"})),
    max_size=5,
).map(tuple)


@given(usages)
def test_usage_there_and_back(usage: Usage) -> None:
    read = usage_of(usage_out(usage)) or Usage()
    assert replace(read, estimated=False) == usage
    assert usage_of(usage_out(None)) is None


@given(parts)
def test_items_there_and_back(said: tuple[Part, ...]) -> None:
    items = items_out(said, "r")
    assert len({item["id"] for item in items}) == len(items)
    assert [p for item in items for p in parts_from(item)] == [
        replace(p, extra={"id": items[i]["id"]}) if isinstance(p, Thinking) else p
        for i, p in _with_item(said)
    ]


def _with_item(said: tuple[Part, ...]) -> list[tuple[int, Part]]:
    """Each part with the number of its item: adjacent texts share one."""
    numbered, last = [], -1
    for i, part in enumerate(said):
        joined = isinstance(part, Text) and i > 0 and isinstance(said[i - 1], Text)
        last += not joined
        numbered.append((last, part))
    return numbered


@given(values(["type", "content", "text", "summary", "call_id", "name", "arguments"]))
def test_a_malformed_item_is_a_malformed_answer(value: Any) -> None:
    with suppress(*MALFORMED):
        parts_from(value)


def test_an_unknown_item_is_kept() -> None:
    item = {"type": "new_thing", "id": "x"}
    assert parts_from(item) == [Opaque("new_thing", item)]


def test_every_ending_has_a_status_and_is_read_from_it() -> None:
    request = asked("openai.responses")
    for finish in get_args(Finish):
        status = status_out(finish)
        response = response_out(request, 1, status=status, finish=finish, output=[])
        read = finish_from(response)
        told = "content_filter" if finish == "refusal" else finish
        assert read == (told if told in ("length", "content_filter") else "stop")


def test_the_response_object_repeats_the_request() -> None:
    request = asked("openai.responses", temperature=0.5, metadata={"a": "b"})
    response = response_out(request, 7, status="completed", output=[])
    assert response["temperature"] == 0.5
    assert response["metadata"] == {"a": "b"}
    assert response["created_at"] == 7
    assert response["id"] == "resp_req_1"


def test_a_vendors_response_bears_the_clients_names() -> None:
    request = asked("openai.responses")
    vendors = {"id": "resp_x", "model": "gpt-6.1-sol", "previous_response_id": "resp_y", "new": 1}
    assert addressed(vendors, request) == {**vendors, "model": "auto"}
    continued = replace(request, continues="resp_ours")
    assert addressed(vendors, continued)["previous_response_id"] == "resp_ours"
