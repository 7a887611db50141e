"""Responses streams: whatever comes in pieces arrives whole, and garbage is a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.errors import UpstreamFailed
from shortstop.types import Chunk
from tests.dialects.grammar import check_responses
from tests.dialects.samples import asked
from tests.dialects.strategies import (
    content,
    heard_or_failed,
    last_finish,
    last_usage,
    streams,
    told_again,
    values,
)

RESPONSES = dialects.get("openai.responses")
REQUEST = asked("openai.responses", stream=True)


@given(streams(finishes=("length", "content_filter")))
def test_a_stream_there_and_back(chunks: list[Chunk]) -> None:
    again = told_again(RESPONSES, chunks, REQUEST)
    assert content(again) == content(chunks)
    assert last_finish(again) == last_finish(chunks)
    assert last_usage(again) == last_usage(chunks)


@given(streams())
def test_its_own_frames_are_passed_on_in_order(chunks: list[Chunk]) -> None:
    once = told_again(RESPONSES, chunks, REQUEST)
    encoder = RESPONSES.stream_encoder(REQUEST, 1)
    data = b"".join([encoder.encode(chunk) for chunk in once]) + encoder.finish()
    check_responses(data)
    assert RESPONSES.stream_decoder().feed(data) == once


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_a_failure(data: bytes) -> None:
    heard_or_failed(RESPONSES, data)


KINDS = [
    "response.output_item.added", "response.output_item.done", "response.output_text.delta",
    "response.function_call_arguments.delta", "response.completed", "response.failed", "error",
]  # fmt: skip


@given(frame=values(["item", "delta", "output_index", "response"]), kind=st.sampled_from(KINDS))
@settings(max_examples=200)
def test_no_frame_is_more_than_a_failure(frame: Any, kind: str) -> None:
    for one in (frame, {**frame, "type": kind} if isinstance(frame, dict) else {"type": kind}):
        heard_or_failed(RESPONSES, b"data: " + json.dumps(one).encode() + b"\n\n")


def feed(*frames: Any) -> list[Chunk]:
    data = b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)
    return RESPONSES.stream_decoder().feed(data)


def test_a_failed_response_is_the_upstreams_failure() -> None:
    failed = {"type": "response.failed", "response": {"error": {"message": "Gone.", "code": "x"}}}
    for frame in (failed, {"type": "error", "message": "Gone.", "code": "x"}):
        with pytest.raises(UpstreamFailed, match="Gone") as caught:
            feed(frame)
        assert caught.value.code == "x"


@pytest.mark.parametrize("announced", [True, False])
def test_arguments_that_came_only_whole_are_given(announced: bool) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
    added = {"type": "response.output_item.added", "output_index": 0, "item": call}
    whole = {**call, "arguments": '{"a":1}'}
    done = {"type": "response.output_item.done", "output_index": 0, "item": whole}
    chunks = feed(added, done) if announced else feed(done)
    assert content(chunks)[1] == {0: ("f", '{"a":1}')}


def test_a_stream_that_failed_before_it_began_is_one_error() -> None:
    encoder = RESPONSES.stream_encoder(REQUEST, 1)
    frames = check_responses(encoder.error(UpstreamFailed("Gone.")), failed=True)
    assert frames == []
