"""Digests of requests: what counts in them, and what does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shortstop.runs.trail import answer_digest, trail
from shortstop.types import (
    Media,
    Message,
    Opaque,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)

SCOPE = b"s" * 32
MESSAGES = (
    Message("system", (Text("Be brief."),)),
    Message("user", (Text("To Rome."),)),
    Message("assistant", (Text("Wait."), ToolCall("c1", "look", '{"a":1}'))),
    Message("tool", (ToolResult("c1", (Text("HAT1"),)),)),
)
REQUEST = Request("r", "openai.chat", {}, "auto", MESSAGES, tools=(Tool("look"), Tool("book")))


def with_message(number: int, message: Message) -> Request:
    messages = (*MESSAGES[:number], message, *MESSAGES[number + 1 :])
    return replace(REQUEST, messages=messages)


def test_a_turn_knows_what_was_before_it_and_what_it_said() -> None:
    digests = trail(REQUEST, SCOPE)
    opening = trail(replace(REQUEST, messages=MESSAGES[:2]), SCOPE)
    assert [turn.before for turn in digests.turns] == [opening.whole]
    assert digests.turns[0].answer == answer_digest(SCOPE, MESSAGES[2].parts)
    assert opening.turns == ()


@pytest.mark.parametrize(
    "same",
    [
        replace(REQUEST, id="x", model="big", stream=True, metadata={"a": 1}),
        replace(REQUEST, tools=(Tool("book", "Books."), Tool("look"))),
        with_message(1, Message("user", (Text(" To Rome.\n", {"cache_control": {}}),))),
        with_message(
            2,
            Message(
                "assistant", (Thinking("hm"), Text("Wait. "), ToolCall("z", "look", '{ "a": 1.0}'))
            ),
        ),
    ],
    ids=["how it is asked", "order of tools", "space and marks", "the model's turn, respelled"],
)
def test_what_does_not_count(same: Request) -> None:
    assert trail(same, SCOPE) == trail(REQUEST, SCOPE)


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, tools=REQUEST.tools[:1]),
        with_message(0, Message("developer", (Text("Be brief."),))),
        with_message(1, Message("user", (Text("To"), Text("Rome.")))),
        with_message(1, Message("user", (Text("To Rome."), Media("image", data="AA==")))),
        with_message(1, Message("user", (Text("To Rome."), Opaque("odd", {})))),
        with_message(2, Message("assistant", (Refusal("No."),))),
        with_message(2, Message("assistant", (Text("Wait."), ToolCall("c1", "look", '{"a":2}')))),
        with_message(3, Message("tool", (ToolResult("c1", (Text("HAT2"),)),))),
        with_message(3, Message("tool", (ToolResult("c1", (Text("HAT1"),), is_error=True),))),
    ],
)
def test_what_counts(other: Request) -> None:
    assert trail(other, SCOPE).whole != trail(REQUEST, SCOPE).whole


def test_scopes_have_nothing_in_common() -> None:
    one, other = trail(REQUEST, SCOPE), trail(REQUEST, b"t" * 32)
    assert one.whole != other.whole
    assert {turn.before for turn in one.turns}.isdisjoint(turn.before for turn in other.turns)
    assert one.turns[0].answer != other.turns[0].answer
