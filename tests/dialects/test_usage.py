"""Usage by one reader, whatever a server calls its counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from shortstop.dialects.usage import count_of, is_plain, usage_of
from shortstop.types import Usage
from tests.dialects.strategies import values

NAMES = ["prompt_tokens", "input_tokens", "cached_tokens", "prompt_tokens_details", "total_tokens"]


@pytest.mark.parametrize(
    ("value", "count"),
    [(7, 7), (7.0, 7), (6.6, 7), ("12", 12), (-1, None), (True, None), ("x", None), ([], None)],
)
def test_what_is_a_count_and_what_is_none(value: Any, count: int | None) -> None:
    assert count_of(value) == count


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"prompt_tokens": 10, "prompt_cache_hit_tokens": 4}, Usage(6, cache_read=4)),
        ({"prompt_tokens": 10, "cached_tokens": 4}, Usage(6, cache_read=4)),
        (
            {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}},
            Usage(6, cache_read=4),
        ),
        (
            {"prompt_tokens": 5, "cache_read_input_tokens": 90},
            Usage(5, cache_read=90),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22},
            Usage(10, output=5, reasoning=7),
        ),
    ],
    ids=["deepseek", "moonshot", "responses' names", "beside", "xai"],
)
def test_compatible_servers_count_in_their_own_way(told: Any, usage: Usage) -> None:
    read = usage_of({"completion_tokens": 0, **told})
    assert read == usage


def test_a_side_that_is_not_told_makes_an_estimate_of_it() -> None:
    assert usage_of({"prompt_tokens": 7}) == Usage(7, estimated=True)
    assert usage_of({"completion_tokens": 7}) == Usage(output=7, estimated=True)
    assert usage_of({"total_tokens": 7}) is None
    assert usage_of([]) is None


@given(values([*NAMES, "completion_tokens", "cache_creation"]))
def test_no_tree_costs_the_answer_and_no_class_is_negative(value: Any) -> None:
    for beside in (False, True):
        usage = usage_of(value, beside=beside)
        counts = [] if usage is None else [usage.input, usage.output, usage.cache_write]
        assert all(count >= 0 for count in counts)
    assert is_plain(value) in (True, False)
