"""What whole answers and streams share: usage, log-probabilities, finish reasons, messages."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.dialects.openai.wire import (
    FINISH_IN,
    FINISH_OUT,
    choice_from,
    choice_out,
    finish_out,
    logprobs_from,
    logprobs_out,
    usage_from,
    usage_out,
    with_usage,
)
from shortstop.dialects.parsing import MALFORMED
from shortstop.types import Choice, Finish, Text, Thinking, TokenLogprob, ToolCall, Usage
from tests.dialects.strategies import texts, usages, values

COUNTS = ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"]


@given(usages, st.integers(0, 99), st.integers(0, 99))
def test_usage_there_and_back(usage: Usage, audio_in: int, audio_out: int) -> None:
    whole = Usage(
        usage.input, usage.cache_read, usage.cache_write, 0, audio_in, usage.output,
        usage.reasoning, audio_out,
    )  # fmt: skip
    assert usage_from(usage_out(whole)) == whole
    assert usage_from(usage_out(None)) is None


@given(st.dictionaries(st.sampled_from(COUNTS), st.integers(0, 1000)))
def test_no_class_of_tokens_is_negative(counts: dict[str, int]) -> None:
    usage = usage_from({**counts, "prompt_tokens_details": counts})
    assert usage is not None
    assert min(usage.input, usage.cache_read, usage.output, usage.reasoning) >= 0


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "prompt_cache_hit_tokens": 4}, Usage(6, cache_read=4)),
        ({"prompt_tokens": 10, "cached_tokens": 4}, Usage(6, cache_read=4)),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22},
            Usage(10, output=5, reasoning=7),
        ),
    ],
    ids=["deepseek", "moonshot", "xai"],
)
def test_compatible_servers_count_in_their_own_way(usage: Any, expected: Usage) -> None:
    assert usage_from(usage) == expected


@given(values([*COUNTS, "prompt_tokens_details", "completion_tokens_details"]))
def test_malformed_usage_is_a_malformed_answer(value: Any) -> None:
    with suppress(*MALFORMED):
        usage_from(value)


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
        assert finish_out(finish) in FINISH_IN
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
    with suppress(*MALFORMED):
        choice_from(value)


def test_usage_is_asked_for_beside_the_clients_own_options() -> None:
    options = {"include_obfuscation": False}
    body = {"model": "m", "stream_options": options}
    assert with_usage(body)["stream_options"] == {**options, "include_usage": True}
    assert body["stream_options"] is options
    assert with_usage({"stream_options": None})["stream_options"] == {"include_usage": True}
