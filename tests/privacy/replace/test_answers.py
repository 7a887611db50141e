"""Answers and streams get the real values back, block by block."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.replace import answers
from shortstop.privacy.replace.restore import Restorer
from shortstop.types import (
    Choice,
    Chunk,
    Opaque,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    ToolDelta,
)
from tests.privacy.conftest import BODIES

SURROGATE, VALUE = "person-kxvbnmqw@example.org", 'ja"ne\n@acme.com'
RESTORER, WORDS = Restorer({SURROGATE: VALUE}), BODIES.words


def restored(chunks: list[Chunk], missed: list[int] | None = None) -> list[Chunk]:
    async def source() -> AsyncGenerator[Chunk, None]:
        for chunk in chunks:
            yield chunk

    async def run() -> list[Chunk]:
        count = missed if missed is not None else []
        return [c async for c in answers.stream(source(), RESTORER, lambda: count.append(1))]

    return asyncio.run(run())


def text_of(chunks: list[Chunk], index: int = 0) -> str:
    return "".join(c.text for c in chunks if c.index == index)


def arguments_of(chunks: list[Chunk], tool: int) -> str:
    return "".join(d.arguments for c in chunks for d in c.tools if d.index == tool)


def whole(*parts: Part, body: dict[str, object] | None = None) -> Reply:
    return answers.whole(Reply("r", "m", (Choice(parts=parts),), body=body), RESTORER, WORDS)


# ---------------------------------------------------------------- whole


def test_text_refusal_and_arguments_are_restored() -> None:
    reply = whole(
        Text(f"to {SURROGATE}"),
        Refusal(f"not to {SURROGATE}"),
        ToolCall("c1", "send", json.dumps({"to": SURROGATE})),
    )
    text, refusal, call = reply.choices[0].parts
    assert text == Text(f"to {VALUE}")
    assert refusal == Refusal(f"not to {VALUE}")
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"to": VALUE}
    assert (call.id, call.name) == ("c1", "send")


def test_thinking_stays_as_the_model_wrote_it() -> None:
    """Its vendor signed it."""
    thinking = Thinking(f"to {SURROGATE}", signature="abc")
    assert whole(thinking, Opaque("odd", {})).choices[0].parts == (thinking, Opaque("odd", {}))


def test_the_vendors_own_body_is_restored_too() -> None:
    arguments = json.dumps({"to": SURROGATE})
    reply = whole(Text("x"), body={"content": SURROGATE, "calls": [{"arguments": arguments}]})
    assert reply.body is not None
    assert reply.body["content"] == VALUE
    assert json.loads(reply.body["calls"][0]["arguments"]) == {"to": VALUE}


@pytest.mark.parametrize(
    ("parts", "misses"),
    [
        ((Text(f"to {SURROGATE}"),), 0),
        ((Text("to person-kxvbnmqw"),), 1),
        ((ToolCall("c", "f", '{"to": "person-kxvbnmqw"}'),), 1),
        ((Text("person-kxvbnmqw"), Text("person-kxvbnmqw")), 1),
        ((Thinking("person-kxvbnmqw"),), 0),
        ((Text("nobody"),), 0),
    ],
)
def test_a_surrogate_that_the_model_respelled_is_told_once(
    parts: tuple[Part, ...], misses: int
) -> None:
    told: list[int] = []
    reply = Reply("r", "m", (Choice(parts=parts),))
    answers.whole(reply, RESTORER, WORDS, lambda: told.append(1))
    assert len(told) == misses


# ---------------------------------------------------------------- streamed


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_a_stream_is_restored_over_any_chunking(sizes: list[int]) -> None:
    text, arguments = f"Hi {SURROGATE}!", json.dumps({"to": SURROGATE})
    chunks, position = [], 0
    for size in [*sizes, len(text)]:
        chunks.append(Chunk(text=text[position : position + size], wire={"raw": 1}))
        position += size
    position = 0
    for i, size in enumerate([*sizes, len(arguments)]):
        piece = arguments[position : position + size]
        head = ToolDelta(0, id="t", name="f", arguments=piece)
        chunks.append(Chunk(tools=(head if i == 0 else ToolDelta(0, arguments=piece),)))
        position += size
    out = restored([*chunks, Chunk(finish="tool_calls")])
    assert text_of(out) == f"Hi {VALUE}!"
    assert json.loads(arguments_of(out, 0)) == {"to": VALUE}
    assert len(out) == len(chunks) + 1, "no chunk is lost"
    assert all(c.wire is None and c.dialect is None for c in out), "they still hold surrogates"


def test_the_end_of_a_text_comes_before_the_tool_that_follows_it() -> None:
    out = restored(
        [
            Chunk(text="see person-"),
            Chunk(tools=(ToolDelta(0, id="t", name="f"),)),
            Chunk(finish="stop"),
        ]
    )
    assert [c.text for c in out] == ["see ", "person-", ""]


def test_two_tools_at_once_do_not_mix() -> None:
    half = len(SURROGATE) // 2
    out = restored(
        [
            Chunk(tools=(ToolDelta(0, id="a", arguments=f'"{SURROGATE[:half]}'),)),
            Chunk(tools=(ToolDelta(1, id="b", arguments=f'"{SURROGATE[:half]}'),)),
            Chunk(tools=(ToolDelta(1, arguments=f'{SURROGATE[half:]}"'),)),
            Chunk(finish="tool_calls"),
        ]
    )
    assert arguments_of(out, 0) == f'"{SURROGATE[:half]}', "cut off, as the model left it"
    assert json.loads(arguments_of(out, 1)) == VALUE


def test_choices_do_not_mix() -> None:
    half = len(SURROGATE) // 2
    out = restored(
        [
            Chunk(index=0, text=SURROGATE[:half]),
            Chunk(index=1, text=SURROGATE[half:]),
            Chunk(index=0, text=SURROGATE[half:]),
            Chunk(index=0, finish="stop"),
            Chunk(index=1, finish="stop"),
        ]
    )
    assert text_of(out, 0) == VALUE
    assert text_of(out, 1) == SURROGATE[half:]


@pytest.mark.parametrize(
    "last",
    [
        Chunk(text="see person-kx"),
        Chunk(refusal="see person-kx"),
        Chunk(tools=(ToolDelta(0, id="t", arguments="see person-kx"),)),
    ],
)
def test_what_is_held_when_a_stream_breaks_off_is_not_lost(last: Chunk) -> None:
    out = restored([last])
    said = "".join(c.text + c.refusal + "".join(d.arguments for d in c.tools) for c in out)
    assert said == "see person-kx"
    assert all(c.finish is None for c in out), "no finish is made up"


def test_a_stream_that_holds_nothing_back_gets_no_more_chunks() -> None:
    chunks = [Chunk(text="a"), Chunk(text="b")]
    assert len(restored(chunks)) == 2
    assert restored([]) == []


@pytest.mark.parametrize(("name", "misses"), [("person-kxvbnmqw", 1), (SURROGATE, 0)])
def test_a_respelled_surrogate_is_told_when_the_stream_is_over(name: str, misses: int) -> None:
    told: list[int] = []
    restored([Chunk(text=name[:8]), Chunk(text=name[8:] + " "), Chunk(finish="stop")], told)
    assert len(told) == misses


async def test_closing_the_stream_closes_the_model() -> None:
    closed = []

    async def source() -> AsyncGenerator[Chunk, None]:
        try:
            for _ in range(100):
                yield Chunk(text="x")
        finally:
            closed.append(True)

    stream = answers.stream(source(), RESTORER)
    await anext(stream)
    await stream.aclose()
    assert closed == [True]
