"""What requests, whole answers and streams share: usage, stop reasons, blocks, arguments."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.dialects.anthropic.wire import (
    arguments_in,
    block_out,
    finish_out,
    part_from,
    usage_out,
)
from shortstop.dialects.finish import FINISHES
from shortstop.dialects.parsing import MALFORMED
from shortstop.dialects.usage import usage_of
from shortstop.types import Finish, Opaque, Text, Thinking, ToolCall, Usage
from tests.dialects.strategies import scalars, texts, usages, values


@given(usages, st.integers(0, 99))
def test_usage_there_and_back(usage: Usage, hour: int) -> None:
    whole = replace(usage, cache_write_1h=hour)
    read = usage_of(usage_out(whole), beside=True) or Usage()
    assert replace(read, estimated=False) == whole
    assert read.estimated == (not whole.prompt and whole.completion > 0)
    assert usage_of(usage_out(None), beside=True) is None


def test_every_finish_is_told_and_every_reason_understood() -> None:
    for finish in get_args(Finish):
        assert finish_out(finish, None, called=False) in FINISHES
    assert finish_out("stop", None, called=True) == "tool_use"
    assert finish_out("stop", "END", called=False) == "stop_sequence"
    assert finish_out(None, None, called=False) == "end_turn"


@given(st.dictionaries(texts, scalars, max_size=3))
def test_arguments_are_an_object(arguments: dict[str, Any]) -> None:
    assert arguments_in(json.dumps(arguments)) == arguments


@given(texts | st.sampled_from(["[1]", '"x"', "{", "7", " ", "[" * 2000]))
def test_whatever_the_model_wrote_becomes_one(written: str) -> None:
    read = arguments_in(written)
    assert isinstance(read, dict)
    assert read or not written.strip() or written.strip() == "{}"


@given(
    st.builds(Text, texts)
    | st.builds(Thinking, texts, texts)
    | st.builds(Thinking, redacted=texts)
    | st.builds(ToolCall, st.from_regex(r"[a-z0-9_-]+", fullmatch=True), texts, st.just('{"a":1}'))
)
def test_a_block_there_and_back(part: Text | Thinking | ToolCall) -> None:
    block = block_out(part)
    blank = isinstance(part, Text) and not part.text.strip()
    assert (block is None) == blank, "Claude refuses a text without a visible character"
    assert block is None or part_from(block) == part


@given(values(["type", "text", "thinking", "input", "id", "name", "data"]))
def test_a_malformed_block_is_a_malformed_answer(value: Any) -> None:
    with suppress(*MALFORMED):
        part_from(value)


def test_an_unknown_block_is_kept_and_shown_to_nobody_else() -> None:
    block = {"type": "new_thing", "x": 1}
    assert part_from(block) == Opaque("new_thing", block)
    assert block_out(Opaque("new_thing", block)) is None
    assert block_out(Text("")) is None


def test_arguments_that_are_a_bomb_stay_a_text() -> None:
    bomb = "[" + "[]," * 200_000 + "0]"
    assert arguments_in(bomb) == {"arguments": bomb}
