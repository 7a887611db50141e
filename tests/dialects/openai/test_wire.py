"""What whole answers and streams share: usage, log-probabilities, finish reasons, messages."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.dialects.finish import FINISHES
from shortstop.dialects.openai.wire import (
    FINISH_OUT,
    choice_from,
    choice_out,
    finish_out,
    logprobs_from,
    logprobs_out,
    usage_out,
    with_usage,
)
from shortstop.dialects.parsing import MALFORMED
from shortstop.dialects.usage import usage_of
from shortstop.errors import UpstreamFailed
from shortstop.types import Choice, Finish, Text, Thinking, TokenLogprob, ToolCall, Usage
from tests.dialects.strategies import texts, usages, values


@given(usages, st.integers(0, 99), st.integers(0, 99))
def test_usage_there_and_back(usage: Usage, audio_in: int, audio_out: int) -> None:
    whole = Usage(
        usage.input, usage.cache_read, usage.cache_write, 0, audio_in, usage.output,
        usage.reasoning, audio_out,
    )  # fmt: skip
    read = usage_of(usage_out(whole)) or Usage()
    assert replace(read, estimated=False) == whole
    assert usage_of(usage_out(None)) is None


tokens = st.builds(
    TokenLogprob,
    texts,
    st.floats(-9, 0),
    st.lists(st.tuples(texts, st.floats(-9, 0)), max_size=2).map(tuple),
)


@given(st.lists(tokens, max_size=3).map(tuple))
def test_logprobs_there_and_back(shown: tuple[TokenLogprob, ...]) -> None:
    assert logprobs_from(logprobs_out(shown, 2)) == shown
    bare = logprobs_from(logprobs_out(shown, 0))
    assert all(token.top == () for token in bare)


def test_every_finish_is_told_and_every_reason_understood() -> None:
    for finish in get_args(Finish):
        assert finish_out(finish) in FINISHES
    assert set(FINISH_OUT) == set(get_args(Finish))
    assert finish_out("tool_calls", legacy=True) == "function_call"
    assert finish_out(None) == "stop"


@given(st.none() | texts, st.none() | texts, st.booleans())
def test_a_choice_there_and_back(text: str | None, thinking: str | None, called: bool) -> None:
    parts = (
        *([Thinking(thinking)] if thinking else []),
        *([Text(text)] if text else []),
        *([ToolCall("c1", "f", '{"a":1}')] if called else []),
    )
    choice = Choice(1, parts, "tool_calls" if called else "stop")
    assert choice_from(choice_out(choice, None, legacy=False)) == choice


@given(values(["message", "content", "tool_calls", "function", "refusal", "logprobs"]))
def test_a_malformed_choice_is_a_malformed_answer(value: Any) -> None:
    with suppress(*MALFORMED, UpstreamFailed):
        choice_from(value)


def test_usage_is_asked_for_beside_the_clients_own_options() -> None:
    options = {"include_obfuscation": False}
    body = {"model": "m", "stream_options": options}
    assert with_usage(body)["stream_options"] == {**options, "include_usage": True}
    assert body["stream_options"] is options
    assert with_usage({"stream_options": None})["stream_options"] == {"include_usage": True}
