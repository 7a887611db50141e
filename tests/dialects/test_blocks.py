"""Chunks as blocks: opened, filled and closed one after the other, and nothing is lost."""

from __future__ import annotations

from hypothesis import given, settings

from shortstop.dialects.blocks import Blocks, Step
from shortstop.types import Chunk, ToolDelta
from tests.dialects.test_properties import chunk_lists


def steps_of(chunks: list[Chunk]) -> list[Step]:
    blocks = Blocks("r", "call")
    return [step for chunk in chunks for step in blocks.feed(chunk)] + blocks.close()


@given(chunk_lists())
@settings(max_examples=300)
def test_one_block_is_open_at_a_time(chunks: list[Chunk]) -> None:
    opened, is_open = 0, None
    for step in steps_of(chunks):
        if step.verb == "open":
            assert is_open is None
            assert step.block.index == opened
            is_open, opened = step.block, opened + 1
        else:
            assert step.block is is_open
            is_open = None if step.verb == "close" else is_open
    assert is_open is None


@given(chunk_lists())
@settings(max_examples=300)
def test_every_piece_is_in_a_block_of_its_kind(chunks: list[Chunk]) -> None:
    steps = steps_of(chunks)
    for kind in ("text", "thinking", "refusal"):
        told = "".join(s.piece for s in steps if s.verb == "delta" and s.block.kind == kind)
        assert told == "".join(getattr(chunk, kind) for chunk in chunks)
    signed = "".join(s.piece for s in steps if s.verb == "sign")
    assert signed == "".join(chunk.signature or "" for chunk in chunks)
    redacted = [s.block.text for s in steps if s.verb == "open" and s.block.kind == "redacted"]
    assert redacted == [chunk.redacted for chunk in chunks if chunk.redacted]


@given(chunk_lists())
def test_a_call_is_opened_under_its_own_name_and_id(chunks: list[Chunk]) -> None:
    calls = {s.block.id: s.block.name for s in steps_of(chunks) if s.block.kind == "tool"}
    named = {d.id: d.name for chunk in chunks for d in chunk.tools if d.id}
    assert calls == named


def test_a_call_without_an_id_gets_one() -> None:
    (opened, *_) = steps_of([Chunk(tools=(ToolDelta(0, None, "f", "{}"),))])
    assert opened.block.id == "call_r_0"


def test_the_first_call_is_sent_as_it_comes_and_the_second_waits() -> None:
    blocks = Blocks("r", "call")
    first = blocks.feed(Chunk(tools=(ToolDelta(0, "a", "f", "{"),)))
    assert [s.verb for s in first] == ["open", "delta"]
    assert blocks.feed(Chunk(tools=(ToolDelta(1, "b", "g", "{}"),))) == []
    assert [s.piece for s in blocks.feed(Chunk(tools=(ToolDelta(0, arguments="}"),)))] == ["}"]
    assert [s.verb for s in blocks.close()] == ["close", "open", "delta", "close"]
