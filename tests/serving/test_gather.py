"""Chunks back into an answer, whatever their order and however they are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shortstop.serving.gather import Gathering
from shortstop.types import Chunk, Text, Thinking, ToolCall, ToolDelta, Usage

pieces = st.lists(st.text(max_size=8), max_size=30)


@given(pieces)
def test_text_is_what_the_chunks_said(words: list[str]) -> None:
    gathering = Gathering()
    for word in words:
        gathering.add(Chunk(text=word))
    gathering.add(Chunk(finish="stop", usage=Usage(output=len(words))))
    reply = gathering.reply("r", "m")
    assert reply.text == "".join(words)
    assert reply.choices[0].finish == "stop"
    assert gathering.finished
    assert reply.usage == Usage(output=len(words))


def test_tool_calls_are_joined_by_index() -> None:
    gathering = Gathering()
    gathering.add(Chunk(tools=(ToolDelta(0, "a", "pay"), ToolDelta(1, "b", "ask"))))
    gathering.add(Chunk(tools=(ToolDelta(1, arguments='{"q"'), ToolDelta(0, arguments="{}"))))
    gathering.add(Chunk(tools=(ToolDelta(1, arguments=":1}"),), finish="tool_calls"))
    assert gathering.choice.parts == (
        ToolCall("a", "pay", "{}"),
        ToolCall("b", "ask", '{"q":1}'),
    )


def test_choices_keep_their_index_and_thinking_its_signature() -> None:
    gathering = Gathering()
    gathering.add(Chunk(index=1, text="two"))
    gathering.add(Chunk(index=0, thinking="hm", signature=None))
    gathering.add(Chunk(index=0, signature="sig", text="one"))
    first, second = gathering.reply("r", "m").choices
    assert first.parts == (Thinking("hm", "sig"), Text("one"))
    assert second.parts == (Text("two"),)
    assert not gathering.finished
