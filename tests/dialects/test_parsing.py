"""One mapping for everything that a vendor's JSON can be instead of what it should be."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.dialects.parsing import parse_answer, parse_error, parse_events, parse_frame
from shortstop.dialects.sse import DONE, Event
from shortstop.errors import UpstreamFailed, UpstreamRejected
from shortstop.types import Chunk, Json
from tests.dialects.strategies import values


def deep(tree: Json) -> str:
    """Reads as a dialect does: straight to the value, whatever may be there."""
    text = tree["choices"][0]["message"]["content"].strip()
    return text + str(int(tree["created"]))


@given(values(["choices", "message", "content", "created"]))
def test_no_tree_is_more_than_a_failure(tree: Any) -> None:
    data = json.dumps(tree)
    for parse in (
        lambda: parse_answer(data.encode(), deep, "a chat completion"),
        lambda: parse_frame(data, deep),
    ):
        with contextlib.suppress(UpstreamFailed):
            assert isinstance(parse(), str)


@pytest.mark.parametrize("data", [b"", b"{", b"<html>", b"\xff", b'{"a": 1} x'])
def test_what_is_not_json_is_called_so(data: bytes) -> None:
    with pytest.raises(UpstreamFailed, match="not JSON"):
        parse_answer(data, deep, "a chat completion")


def test_what_is_json_is_called_by_what_it_should_be() -> None:
    with pytest.raises(UpstreamFailed, match="is not a chat completion"):
        parse_answer(b"{}", deep, "a chat completion")


def test_a_failure_that_the_dialect_finds_is_its_own() -> None:
    def refuse(tree: Json) -> str:
        raise UpstreamRejected("No.")

    with pytest.raises(UpstreamRejected):
        parse_answer(b"{}", refuse, "an answer")
    with pytest.raises(UpstreamRejected):
        parse_frame("{}", refuse)


@given(st.lists(st.sampled_from(["a", "b", DONE])))
def test_every_frame_but_the_closing_one_is_read(data: list[str]) -> None:
    events = [Event(d if d == DONE else json.dumps({"text": d})) for d in data]
    chunks = parse_events(events, lambda frame: [Chunk(text=frame["text"])] * 2)
    assert "".join(c.text for c in chunks) == "".join(2 * d for d in data if d != DONE)


@given(st.binary(max_size=30))
def test_an_error_body_is_an_object_or_nothing(data: bytes) -> None:
    assert isinstance(parse_error(data), dict)
    assert parse_error(b'{"error": "x"}') == {"error": "x"}
    assert parse_error(b"[" * 5000) == {}


def test_an_answer_of_too_many_values_is_a_failed_upstream() -> None:
    body = b'{"choices":[' + b"[]," * 400_000 + b"0]}"
    with pytest.raises(UpstreamFailed, match="more than 40000 JSON arrays"):
        parse_answer(body, lambda tree: tree, "a chat completion")
    with pytest.raises(UpstreamFailed):
        parse_frame(body, lambda tree: tree)
    assert parse_error(body) == {}
