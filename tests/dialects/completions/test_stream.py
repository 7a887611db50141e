"""The legacy stream: text and finish, echo first, and garbage is the upstream's failure."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shortstop import dialects
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

LEGACY = dialects.get("openai.completions")
REQUEST = asked(
    "openai.completions", stream=True, stream_options={"include_usage": True}, echo=False
)


@given(streams(tools=False))
def test_a_stream_there_and_back(chunks: list[Chunk]) -> None:
    again = told_again(LEGACY, chunks, REQUEST)
    assert content(again) == content(chunks)
    assert last_finish(again) == last_finish(chunks)
    assert last_usage(again) == last_usage(chunks)
    assert told_again(LEGACY, again, REQUEST) == again, "its own frames are passed on"


@given(streams(tools=False))
def test_the_echo_comes_first_and_once(chunks: list[Chunk]) -> None:
    request = asked("openai.completions", stream=True, prompt="Once upon a time ", echo=True)
    text, _ = content(chunks)
    told, _ = content(told_again(LEGACY, chunks, request))
    assert told == "Once upon a time " + text


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_a_failure(data: bytes) -> None:
    heard_or_failed(LEGACY, data)


@given(values(["choices", "text", "index", "finish_reason", "usage", "error"]))
def test_no_frame_is_more_than_a_failure(frame: Any) -> None:
    heard_or_failed(LEGACY, b"data: " + json.dumps(frame).encode() + b"\n\n")
