"""What answers look like decides what may learn them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.flywheel.shapes import Shape, closed_answers, fields, shape_of


@pytest.mark.parametrize(
    ("answers", "shape"),
    [
        (["card", "loan"] * 20, "labels"),
        (["card", "loan"] * 20 + ["a note that came once"], "labels"),
        ([f"summary number {i}" for i in range(40)], "prose"),
        (["one long answer of more than eight words in all, said again"] * 40, "prose"),
        ([f'{{"total": {i}, "shop": "A"}}' for i in range(40)], "fields"),
        ([f'{{"total": {i}}}' for i in range(39)] + ['{"shop": "A"}'], "fields"),
        ([f'{{"lines": [{i}]}}' for i in range(40)], "prose"),
        ([], "fields"),
    ],
)
def test_shapes(answers: list[str], shape: Shape) -> None:
    if answers:
        assert shape_of(answers) == shape


def test_only_flat_objects_have_fields() -> None:
    assert fields('{"a": "x", "b": 2.5}') == {"a": "x", "b": 2.5}
    for other in ("", "card", "[1]", "{}", '{"a": null}', '{"a": true}', '{"a": {"b": 1}}', "{"):
        assert fields(other) is None


@given(st.text())
def test_no_text_fails(text: str) -> None:
    fields(text)
    shape_of([text, text])


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["a", "b", "a", "b"], ["a", "b", "a", "b"]),
        (['{"x": "a"}', '{"x":"b"}', '{"x":"a"}', '{"x":"b"}', '{"x":"a"}'], None),
        (['{"x":1,"y":"a"}', '{"x":1,"y":"b"}', '{"y":"b","x":1}', '{"x":1,"y":"a"}'], None),
        (['{"x":true}', '{"x":false}', '{"x":true}', '{"x":false}'], None),
    ],
)
def test_closed_answers_are_told_apart_by_what_varies(
    answers: list[str], expected: list[str] | None
) -> None:
    told = closed_answers(answers)
    assert told is not None
    assert len(set(told)) == 2
    assert set(told) <= set(answers)
    assert expected is None or told == expected


@pytest.mark.parametrize(
    "answers",
    [
        [f"story {n}" for n in range(10)],
        ["one long sentence that is given again and again to everybody"] * 10,
        ['{"x":"a","y":1}', '{"x":"b","y":2}', '{"x":"a","y":2}', '{"x":"b","y":1}'],
        [f'{{"x": "value {n}"}}' for n in range(10)],
        [],
    ],
)
def test_open_answers_are_no_labels(answers: list[str]) -> None:
    assert not closed_answers(answers)


def test_an_answer_that_is_no_json_on_tuesdays_is_none_of_them() -> None:
    answers = ['{"x":"a"}', '{"x":"b"}'] * 20 + ["Sorry, I cannot."]
    told = closed_answers(answers)
    assert told is not None
    assert told[-1] is None


def test_labels_are_the_same_whatever_their_case_and_closing_punctuation() -> None:
    """As they are graded. The usual spelling is the answer."""
    told = ["refund", "Refund", "refund.", " REFUND\n", "refund"] * 10 + ["loan", "loan "] * 10
    assert closed_answers(told) == ["refund"] * 50 + ["loan"] * 20
    assert closed_answers(["+", "-", "!", "?"] * 10) == ["+", "-", "!", "?"] * 10
