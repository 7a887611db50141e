"""Which calls are the same, and which of them have been made too often."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.runs.calls import CallKey, canonical, used_up
from shortstop.types import Message, Text, ToolCall, ToolResult

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(max_size=4), PLAIN), data=st.data())
def test_the_spelling_of_json_does_not_matter(
    value: dict[str, object], data: st.DataObject
) -> None:
    keys = data.draw(st.permutations(list(value)))
    shuffled = json.dumps({key: value[key] for key in keys}, indent=2, ensure_ascii=True)
    assert canonical(shuffled) == canonical(json.dumps(value, ensure_ascii=False))


@given(one=PLAIN, other=PLAIN)
def test_different_values_stay_different(one: object, other: object) -> None:
    ordered = [json.dumps(value, sort_keys=True) for value in (one, other)]
    assert (canonical(json.dumps(one)) == canonical(json.dumps(other))) == (
        ordered[0] == ordered[1]
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("", "{}", True),
        ('{"n": 2}', '{"n": 2.0}', True),
        ('{"n": 2}', '{"n": "2"}', False),
        ('{"l": [1, 2]}', '{"l": [2, 1]}', False),
        ("not json ", "not json", True),
        ('{"a": ', '{"a":', True),
        ("[" * 5000, "[" * 5000, True),
        ('{"n": 1e999}', '{"n": 1e999}', True),
    ],
)
def test_by_example(one: str, other: str, same: bool) -> None:
    assert (canonical(one) == canonical(other)) is same


def calls(*pairs: tuple[str, str | None], id: str | None = None) -> list[Message]:
    messages = []
    for number, (arguments, result) in enumerate(pairs):
        name = id or f"c{number}"
        messages.append(Message("assistant", (ToolCall(name, "look", arguments),)))
        if result is not None:
            messages.append(Message("tool", (ToolResult(name, (Text(result),)),)))
    return messages


KEY = frozenset([CallKey("look", "1")])


@pytest.mark.parametrize(
    ("made", "unchanged", "any_result"),
    [
        ([("1", "no"), ("1", "no")], True, True),
        ([("1", "no"), ("2", "x"), ("1", " no ")], True, True),
        ([("1", "a"), ("1", "b")], False, True),
        ([("1", "a"), ("1", "b"), ("1", "b")], True, True),
        ([("1", "a"), ("1", "a"), ("1", "b")], False, True),
        ([("1", "no")], False, False),
        ([("1", "no"), ("1", None)], True, True),
    ],
)
def test_calls_without_news_are_used_up(
    made: list[tuple[str, str | None]], unchanged: bool, any_result: bool
) -> None:
    assert (used_up(calls(*made), 2, unchanged=True) == KEY) is unchanged
    assert (used_up(calls(*made), 2, unchanged=False) == KEY) is any_result


def test_ids_that_come_twice_confuse_nothing() -> None:
    made = calls(("1", "no"), ("2", "x"), ("1", "no"), id="same")
    assert used_up(made, 2, unchanged=True) == KEY


def test_an_error_is_not_the_same_as_its_text() -> None:
    made = calls(("1", "no"))
    made += [
        Message("assistant", (ToolCall("e", "look", "1"),)),
        Message("tool", (ToolResult("e", (Text("no"),), is_error=True),)),
    ]
    assert used_up(made, 2, unchanged=True) == frozenset()


def test_polls_may_be_called_without_end() -> None:
    made = calls(*[("1", "pending")] * 9)
    assert used_up(made, 2, unchanged=True, polls=("wait", "loo?")) == frozenset()
    assert used_up(made, 2, unchanged=True, polls=("wait", "Look")) == KEY
