"""Rows become examples only where learning from them is allowed, and every other one is counted."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from shortstop import dialects
from shortstop.flywheel.examples import Example, Examples, LeftOut, correction
from shortstop.specialists.invocation import Invocation, spelled
from shortstop.specialists.query import Query
from shortstop.types import (
    Choice,
    Clearance,
    Decision,
    Grade,
    Json,
    Opaque,
    Reach,
    Request,
    Text,
    Tier,
    ToolCall,
    Trace,
)

BODY: Json = {"model": "auto", "messages": [{"role": "user", "content": "Where is my card?"}]}
ROW = Trace(
    id="r1", at=5.0, tenant="acme", dialect="openai.chat", model="auto", outcome="ok", status=200,
    stream=False, seconds=0.1, clearance=Clearance(Tier.S0, Reach.ANYWHERE),
    decision=Decision(("big",), "mail", 0, 0, 1, "r"), target="big", conversation="c",
    request=BODY, response=(Choice(parts=(Text("card"),), finish="stop"),),
)  # fmt: skip


def decode(dialect: str, body: Json, id: str) -> Request:
    return dialects.get(dialect).decode_request(body, id)


def maker(**more: Any) -> Examples:
    return Examples(("big",), decode, **more)


def test_a_row_becomes_an_example() -> None:
    assert list(maker().of([(ROW, [])])) == [
        Example(
            "r1", 5.0, "acme", "mail", Query("Where is my card?"), "card", "big", conversation="c"
        )
    ]


def test_an_unseen_answer_of_the_frontier_is_one_too() -> None:
    assert list(maker().of([(replace(ROW, outcome="shadow"), [])]))


@pytest.mark.parametrize("announced", [(), (Text("One moment."),)])
def test_calls_are_an_answer_with_what_was_offered(announced: tuple[Text, ...]) -> None:
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
    called = choices(*announced, ToolCall("c", "find", '{"b":1,"a":2}'), finish="tool_calls")
    (one,) = maker().of([(replace(ROW, request={**BODY, "tools": [tool]}, response=called), [])])
    assert one.calls == (Invocation("find", '{"b":1,"a":2}'),)
    assert one.answer == spelled(one.calls)
    assert [tool.name for tool in one.query.tools] == ["find"]


def test_a_correction_in_words_replaces_calls() -> None:
    called = choices(ToolCall("c", "find", "{}"), finish="tool_calls")
    (one,) = maker().of(
        [
            (
                replace(ROW, response=called),
                [Grade("r1", "acme", "user", "big", None, 6.0, correction="no call")],
            )
        ]
    )
    assert (one.answer, one.calls) == ("no call", ())


def choices(*parts: Any, finish: Any = "stop") -> tuple[Choice, ...]:
    return (Choice(parts=parts, finish=finish),)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"outcome": "error"}, "unanswered"),
        ({"outcome": "refused"}, "unanswered"),
        ({"target": None}, "unanswered"),
        ({"request": None}, "no-content"),
        ({"response": None}, "no-content"),
        ({"clearance": Clearance(Tier.S2, Reach.LOCAL_ONLY)}, "pinned"),
        ({"target": "other"}, "teacher-not-allowed"),
        ({"dialect": "klingon"}, "unreadable"),
        ({"request": {"messages": 3}}, "unreadable"),
        ({"response": choices(Text("ca"), finish="length")}, "not-text"),
        ({"response": choices(ToolCall("c", "f", "{"), finish="length")}, "not-text"),
        ({"response": choices(ToolCall("c", "f", "{}"), Opaque("x", {}))}, "not-text"),
        ({"response": ()}, "not-text"),
        ({"decision": None}, "no-task"),
    ],
)
def test_what_is_no_example_is_counted_by_why(changes: dict[str, Any], why: LeftOut) -> None:
    examples = maker()
    assert list(examples.of([(replace(ROW, **changes), [])])) == []
    assert examples.left_out == {why: 1}


def test_a_picture_is_not_text() -> None:
    content = [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
    body = {"model": "auto", "messages": [{"role": "user", "content": content}]}
    examples = maker()
    assert list(examples.of([(replace(ROW, request=body), [])])) == []
    assert examples.left_out == {"not-text": 1}


def test_pinned_rows_are_learned_from_only_where_the_policy_says_so() -> None:
    pinned = replace(ROW, clearance=Clearance(Tier.S3, Reach.LOCAL_ONLY))
    assert list(maker(pinned=True).of([(pinned, [])]))


def grade(source: Any, correction: str | None, at: float = 1.0) -> Grade:
    return Grade("r1", "acme", source, "big", None, at, correction=correction)


def test_a_person_s_correction_is_gold_whoever_answered() -> None:
    row = replace(ROW, target="other", response=None)
    (example,) = maker().of([(row, [grade("user", "loan"), grade("reviewer", "fees")])])
    assert (example.answer, example.gold, example.teacher) == ("fees", True, "")


def test_no_model_corrects() -> None:
    assert correction([grade("judge", "loan"), grade("comparison", "fees")]) is None
    assert correction([grade("user", None)]) is None
