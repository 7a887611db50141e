"""One mapping for everything that a vendor's JSON can be instead of what it should be."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.dialects.parsing import (
    EventDecoder,
    Halves,
    parse_answer,
    parse_error,
    parse_frame,
)
from shortstop.dialects.sse import DONE
from shortstop.errors import TargetError, UpstreamFailed, UpstreamRejected
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


class Words(EventDecoder):
    """Says twice what each frame holds."""

    finished = True

    def _chunks(self, frame: Json) -> list[Chunk]:
        return [Chunk(text=frame["text"])] * 2


@given(st.lists(st.sampled_from(["a", "b", "", "null", ": x"])))
def test_every_frame_until_the_closing_one_is_read(data: list[str]) -> None:
    said = [json.dumps({"text": d}) if d in ("a", "b") else d for d in data]
    decoder = Words()
    chunks = decoder.feed("".join(f"data: {d}\n\n" for d in said if d != ": x").encode())
    chunks += decoder.feed(f'data: {DONE} \n\ndata: {{"text": "late"}}\n\n'.encode())
    assert "".join(c.text for c in chunks) == "".join(2 * d for d in data if d in ("a", "b"))
    assert decoder.done


def test_an_event_that_no_blank_line_ends_is_read_at_the_close() -> None:
    decoder = Words()
    assert decoder.feed(b'data: {"text": "a"}') == []
    assert [c.text for c in decoder.close()] == ["a", "a"]


@pytest.mark.parametrize(
    "told",
    [
        b'event: error\ndata: {"message": "no"}\n\n',
        b"event: error\ndata: no\n\n",
        b'error: {"message": "no"}\n\n',
        b'{"error": "no"}\n\n',
        b'data: {"error": {"message": "no", "code": 502}}\n\n',
    ],
)
def test_an_error_in_a_stream_is_one_in_every_form(told: bytes) -> None:
    with pytest.raises(TargetError, match="no"):
        Words().feed(told)


@given(st.text(min_size=1), st.data())
def test_a_character_may_come_in_two_halves(text: str, data: st.DataObject) -> None:
    whole = json.dumps(text)[1:-1]
    escapes = [i for i in range(0, len(whole) + 1) if _may_be_cut(whole, i)]
    cut = data.draw(st.sampled_from(escapes))
    halves = Halves()
    parts = [halves.decoded(f'{{"text": "{part}"}}') for part in (whole[:cut], whole[cut:])]
    assert "".join(part["text"] for part in parts) == text


def _may_be_cut(text: str, place: int) -> bool:
    """Whether both sides are whole escapes."""
    with contextlib.suppress(ValueError):
        return all(isinstance(json.loads(f'"{t}"'), str) for t in (text[:place], text[place:]))
    return False


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
