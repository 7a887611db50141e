"""What a row asked, as the playground asks it again: texts, and word of what is left out."""

from __future__ import annotations

from shortstop.console.playground import MOST, turns_of
from shortstop.types import Media, Message, Request, Role, Text


def said(*turns: tuple[Role, str], odd: bool = False) -> Request:
    messages = [Message(role, (Text(text),)) for role, text in turns]
    if odd:
        messages.insert(0, Message("user", (Media("image", url="data:x"),)))
    return Request("r", "openai.chat", {}, "m", tuple(messages))


def test_a_conversation_is_asked_as_it_was() -> None:
    turns = turns_of(
        said(("system", "Be brief."), ("user", "A"), ("assistant", "B"), ("user", "C"))
    )
    assert turns is not None
    assert (turns.system, turns.prompt, turns.row) == ("Be brief.", "C", "r")
    assert turns.before == (("user", "A"), ("assistant", "B"))
    assert not turns.left_out


def test_what_is_not_text_is_left_out_and_said() -> None:
    turns = turns_of(said(("user", "look"), odd=True))
    assert turns is not None
    assert (turns.before, turns.prompt, turns.left_out) == ((), "look", True)
    ended = turns_of(said(("user", "A"), ("assistant", "B")))
    assert ended is not None
    assert (ended.prompt, ended.left_out) == ("A", True)


def test_what_is_too_long_is_cut_and_said() -> None:
    turns = turns_of(said(("user", "x" * (MOST + 1)), ("user", "y" * (MOST + 1))))
    assert turns is not None
    assert (turns.before, len(turns.prompt), turns.left_out) == ((), MOST, True)


def test_without_a_question_there_is_nothing_to_ask() -> None:
    assert turns_of(said(("system", "x"), ("assistant", "y"))) is None
