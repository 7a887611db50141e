"""A specialist reads the changing part of a request, and only of requests that are all text."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shortstop.specialists.query import Query, query_of
from shortstop.types import Media, Message, Opaque, Request, Text, Tool, ToolChoice, ToolResult


def request(*messages: Message) -> Request:
    return Request("r", "openai.chat", {}, "auto", messages)


def says(role: str, *texts: str) -> Message:
    return Message(role, tuple(map(Text, texts)))  # type: ignore[arg-type]


def test_the_last_words_and_the_turns_before_them() -> None:
    read = query_of(
        request(
            says("system", "Sort mails."),
            says("user", "Hello"),
            says("assistant", "Yes?"),
            says("user", "Where is", "my card?"),
        )
    )
    assert read == Query("Where is\nmy card?", "user: Hello\nassistant: Yes?")
    assert read.whole == "user: Hello\nassistant: Yes?\nWhere is\nmy card?"


def test_the_constant_part_is_left_out() -> None:
    read = query_of(request(says("system", "A"), says("developer", "B"), says("user", "C")))
    assert read == Query("C")
    assert read.whole == "C"


@pytest.mark.parametrize(
    "messages",
    [
        (),
        (says("system", "only"),),
        (says("user", "a"), says("assistant", "b")),
        (Message("user", (Text("look"), Media("image", url="https://x"))),),
        (Message("user", (Opaque("odd", {}),)), says("user", "b")),
        (says("user", "a"), Message("tool", (ToolResult("c", (Text("r"),)),))),
    ],
)
def test_what_is_not_all_text_is_not_read(messages: tuple[Message, ...]) -> None:
    assert query_of(request(*messages)) is None


@pytest.mark.parametrize(
    ("choice", "named", "must"),
    [
        (ToolChoice(), ["find", "book"], False),
        (ToolChoice("required"), ["find", "book"], True),
        (ToolChoice("required", ("book",)), ["book"], True),
        (ToolChoice("none"), [], False),
    ],
)
def test_the_tools_that_may_be_called(choice: ToolChoice, named: list[str], must: bool) -> None:
    asked = replace(
        request(says("user", "x")), tools=(Tool("find"), Tool("book")), tool_choice=choice
    )
    read = query_of(asked)
    assert read is not None
    assert ([tool.name for tool in read.tools], read.must_call) == (named, must)
