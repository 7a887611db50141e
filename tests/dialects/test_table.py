"""The table: each dialect once, and what is derived from all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from shortstop import dialects
from shortstop.dialects.openai.dialect import OpenAIChat
from shortstop.types import DialectName, Message, Request, Sampling, Text, Usage, WireWords
from tests.dialects.samples import NAMES
from tests.dialects.strategies import values


def test_every_dialect_is_listed_once() -> None:
    assert [d.description.name for d in dialects.every()] == list(NAMES)
    for name in NAMES:
        assert dialects.get(name).description is dialects.description_of(name)
    with pytest.raises(ValueError, match="alias openai"):
        dialects.register(OpenAIChat())
    assert len(dialects.every()) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_request_of_our_own_has_a_body_like_a_clients(name: DialectName) -> None:
    said = (Message("user", (Text("Grade this."),)),)
    plain = Request("r", name, {}, "judge", said, sampling=Sampling(max_tokens=9, temperature=0))
    whole = dialects.with_body(plain)
    assert (whole.messages, whole.sampling, whole.model) == (said, plain.sampling, "judge")
    assert whole.body
    assert dialects.redecoded(whole, whole.body) == whole
    told = replace(whole, headers={"traceparent": "00-1"})
    assert dialects.redecoded(told, told.body) == told


def test_upstreams_are_asked_in_all_but_the_legacy_one() -> None:
    names = {alias: d.description.name for alias, d in dialects.upstream_dialects().items()}
    assert names == {
        "openai": "openai.chat",
        "responses": "openai.responses",
        "anthropic": "anthropic.messages",
    }


def test_the_vocabulary_is_that_of_all() -> None:
    words = dialects.wire_words()
    for name in NAMES:
        own = dialects.description_of(name).words
        assert own | words == words | own == words
    assert WireWords() | words == words


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2}, Usage(9, output=2)),
        ({"input_tokens": 9, "output_tokens": 2}, Usage(9, output=2)),
        (
            {
                "input_tokens": 9,
                "input_tokens_details": {"cached_tokens": 4},
                "output_tokens": 2,
                "total_tokens": 11,
            },
            Usage(5, cache_read=4, output=2),
        ),
        (
            {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 2},
            Usage(9, cache_read=4, output=2),
        ),
        ({"prompt_tokens": -1}, None),
        ({"prompt_tokens": "many"}, None),
        ({"prompt_tokens": 1, "prompt_tokens_details": [1]}, Usage(1, estimated=True)),
        ({}, None),
        (None, None),
    ],
)
def test_usage_is_recognised_by_its_fields(usage: Any, expected: Usage | None) -> None:
    assert dialects.read_usage(usage) == expected


@given(values(["prompt_tokens", "input_tokens", "total_tokens", "prompt_tokens_details"]))
def test_no_usage_is_an_error(usage: Any) -> None:
    read = dialects.read_usage(usage)
    assert read is None or min(read.prompt, read.completion) >= 0
