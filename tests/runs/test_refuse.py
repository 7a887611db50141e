"""What is left of an answer without the calls that were made too often."""

from __future__ import annotations

from shortstop.runs.calls import CallKey
from shortstop.runs.refuse import without_calls
from shortstop.serving.gather import Gathering
from shortstop.types import Choice, Reply, Text, Thinking, ToolCall, Usage

AGAIN = frozenset([CallKey("look", '{"to":"Rome"}')])
LOOK = ToolCall("c1", "look", '{"to": "Rome"}')
BOOK = ToolCall("c2", "book", "{}")


def reply(*parts: object) -> Reply:
    choice = Choice(parts=parts, finish="tool_calls")  # type: ignore[arg-type]
    body = {"choices": []}
    return Reply("a", "m", (choice,), Usage(5, output=7), dialect="openai.chat", body=body)


def test_an_answer_without_such_calls_is_left_as_it_is() -> None:
    answer = reply(BOOK)
    assert without_calls(answer, AGAIN, 2) is answer


def test_alone_the_call_becomes_words_that_end_the_turn() -> None:
    spared = without_calls(reply(Thinking("hm", "sig"), LOOK), AGAIN, 2)
    thinking, words = spared.choices[0].parts
    assert thinking == Thinking("hm", "sig")
    assert isinstance(words, Text)
    assert "`look`" in words.text
    assert "2 times" in words.text
    assert spared.choices[0].finish == "stop"
    assert (spared.body, spared.dialect) == (None, None), "the vendor's body still has the call"
    assert spared.usage == Usage(5, output=7)


def test_other_calls_stay() -> None:
    spared = without_calls(reply(Text("Let me see."), LOOK, BOOK), AGAIN, 2)
    first, words, call = spared.choices[0].parts
    assert first == Text("Let me see.")
    assert isinstance(words, Text)
    assert call == BOOK
    assert spared.choices[0].finish == "tool_calls"


def test_as_a_stream_it_says_the_same() -> None:
    spared = without_calls(reply(Thinking("hm", "sig"), LOOK, BOOK, BOOK), AGAIN, 2)
    gathering = Gathering()
    for chunk in spared.chunks():
        gathering.add(chunk)
    gathered = gathering.reply("a", "m")
    assert gathered.choices == spared.choices
    assert gathered.usage == spared.usage
