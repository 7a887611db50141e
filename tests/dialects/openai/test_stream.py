"""Chat streams: whatever comes in pieces arrives whole, and garbage is the upstream's failure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.errors import UpstreamFailed
from shortstop.types import Chunk
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

CHAT = dialects.get("openai.chat")
REQUEST = asked("openai.chat", stream=True, stream_options={"include_usage": True})


@given(streams())
def test_a_stream_there_and_back(chunks: list[Chunk]) -> None:
    again = told_again(CHAT, chunks, REQUEST)
    assert content(again) == content(chunks)
    assert last_finish(again) == last_finish(chunks)
    assert last_usage(again) == last_usage(chunks)


@given(streams())
def test_a_vendors_own_frames_are_passed_on_whole(chunks: list[Chunk]) -> None:
    """Decoded, passed on with their unknown fields, and decoded again."""
    encoder, decoder = CHAT.stream_encoder(REQUEST, 1), CHAT.stream_decoder()
    sent = b"".join([encoder.encode(c) for c in chunks]) + encoder.finish()
    frames = [c.wire for c in decoder.feed(sent) if c.wire is not None]
    marked = b"".join(
        b"data: " + json.dumps({**frame, "fingerprint": "fp"}).encode() + b"\n\n"
        for frame in frames
    )
    passed = told_again(CHAT, CHAT.stream_decoder().feed(marked + b"data: [DONE]\n\n"), REQUEST)
    assert content(passed) == content(chunks)
    assert all(c.wire and c.wire.get("fingerprint") == "fp" for c in passed if c.usage is None)


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_a_failure(data: bytes) -> None:
    heard_or_failed(CHAT, data)


@given(values(["choices", "delta", "content", "tool_calls", "function", "index", "usage", "error"]))
@settings(max_examples=200)
def test_no_frame_is_more_than_a_failure(frame: Any) -> None:
    heard_or_failed(CHAT, b"data: " + json.dumps(frame).encode() + b"\n\n")


@pytest.mark.parametrize(
    "error", [{"message": "Gone.", "code": "oops"}, "Gone.", {"detail": "Gone."}]
)
def test_an_error_in_the_stream_is_the_upstreams(error: Any) -> None:
    with pytest.raises(UpstreamFailed, match="Gone"):
        CHAT.stream_decoder().feed(b"data: " + json.dumps({"error": error}).encode() + b"\n\n")


def test_calls_that_all_have_index_0_are_told_apart() -> None:
    deltas = [
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}},
        {"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}},
    ]
    frames = [{"choices": [{"delta": {"tool_calls": [delta]}}]} for delta in deltas]
    data = b"".join(b"data: " + json.dumps(f).encode() + b"\n\n" for f in frames)
    assert content(CHAT.stream_decoder().feed(data))[1] == {0: ("f", "{}"), 1: ("g", "{}")}


def test_usage_is_hidden_from_who_did_not_ask() -> None:
    quiet = CHAT.stream_encoder(asked("openai.chat", stream=True), 1)
    data = quiet.encode(Chunk(text="x")) + quiet.finish()
    assert b"usage" not in data
