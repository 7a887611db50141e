"""Messages streams: whatever comes in pieces arrives whole, and garbage is a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.errors import UpstreamFailed
from shortstop.types import Chunk, Usage
from tests.dialects.grammar import check_anthropic
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

CLAUDE = dialects.get("anthropic.messages")
REQUEST = asked("anthropic.messages", stream=True)


@given(streams(finishes=("length", "refusal", "pause")))
def test_a_stream_there_and_back(chunks: list[Chunk]) -> None:
    again = told_again(CLAUDE, chunks, REQUEST)
    assert content(again) == content(chunks)
    assert last_finish(again) == last_finish(chunks)
    assert last_usage(again) == last_usage(chunks)


@given(streams())
def test_its_own_frames_are_passed_on_in_order(chunks: list[Chunk]) -> None:
    once = told_again(CLAUDE, chunks, REQUEST)
    encoder = CLAUDE.stream_encoder(REQUEST, 1)
    data = b"".join([encoder.encode(chunk) for chunk in once]) + encoder.finish()
    check_anthropic(data)
    assert CLAUDE.stream_decoder().feed(data) == once


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_a_failure(data: bytes) -> None:
    heard_or_failed(CLAUDE, data)


KINDS = [
    "message_start", "content_block_start", "content_block_delta", "content_block_stop",
    "message_delta", "message_stop", "error", "ping",
]  # fmt: skip


FIELDS = ["message", "content_block", "delta", "index", "usage", "error"]


@given(frame=values(FIELDS), kind=st.sampled_from(KINDS))
@settings(max_examples=200)
def test_no_frame_is_more_than_a_failure(frame: Any, kind: str) -> None:
    for one in (frame, {**frame, "type": kind} if isinstance(frame, dict) else {"type": kind}):
        heard_or_failed(CLAUDE, b"data: " + json.dumps(one).encode() + b"\n\n")


def feed(*frames: Any) -> list[Chunk]:
    data = b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)
    return CLAUDE.stream_decoder().feed(data)


def test_an_error_frame_is_the_upstreams_failure() -> None:
    error = {"type": "overloaded_error", "message": "Gone."}
    with pytest.raises(UpstreamFailed, match="Gone") as caught:
        feed({"type": "error", "error": error})
    assert caught.value.code == "overloaded_error"


def test_counts_that_are_not_repeated_still_hold() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    end = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5}}
    assert feed(start, end)[-1].usage == Usage(9, output=5)


@pytest.mark.parametrize("pieces", [[], ['{"a"', ":2}"]])
def test_input_that_came_whole_is_given_unless_pieces_follow(pieces: list[str]) -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    chunks = feed(
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
    )
    assert content(chunks)[1] == {0: ("f", "".join(pieces) or '{"a":1}')}
