"""Graders: what counts as the same answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.routing.graders import GRADERS, grade
from tests.odd import ODD


@pytest.mark.parametrize(
    ("kind", "answer", "reference", "expected"),
    [
        ("exact", " Billing. ", "billing", 1.0),
        ("exact", "shipping", "billing", 0.0),
        ("numeric", "So she has 1,234 apples.", "#### 1234", 1.0),
        ("numeric", "12", "13", 0.0),
        ("json", '{"a": 1, "b": "X"}', '{"b": "x", "a": 1.0}', 1.0),
        ("json", '```json\n{"a": 1}\n```', '{"a": 1}', 1.0),
        ("json", '{"a": 1, "b": 3}', '{"a": 1, "b": 2}', 0.5),
        ("json", "not json", '{"a": 1}', 0.0),
        ("json", '{"a": 1, "z": 9}', '{"a": 1}', 0.5),
        ("json", '{"at": "12, Mill Lane,Bath"}', '{"at": "12 MILL LANE, BATH"}', 1.0),
        ("json", '{"at": "12 Mill Lane, Bath"}', '{"at": "12 Hill Lane, Bath"}', 0.0),
        ("json", '{"day": "1-2 3"}', '{"day": "12 3"}', 0.0),
        (None, '{"a": 2}', '{"a": 2}', 1.0),
        (None, "refund", "Refund", 1.0),
    ],
)
def test_grades(kind: str | None, answer: str, reference: str, expected: float) -> None:
    assert grade(kind, answer, reference) == pytest.approx(expected)


def test_likeness_ranks() -> None:
    reference = "The parcel will arrive on Monday at your neighbour's door."
    near = grade("similar", "Your parcel arrives on Monday at the neighbour's.", reference)
    far = grade("similar", "We are closed for the holidays.", reference)
    assert far < near < 1.0


@given(st.sampled_from(sorted(GRADERS)), st.text(max_size=80), st.text(max_size=80))
def test_any_texts_get_a_grade_between_0_and_1(kind: str, answer: str, reference: str) -> None:
    assert 0.0 <= grade(kind, answer, reference) <= 1.0 + 1e-9


@given(st.sampled_from(sorted(GRADERS)), st.text(min_size=1, max_size=80))
def test_an_answer_is_as_good_as_itself(kind: str, text: str) -> None:
    assert grade(kind, text, text) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", [None, *GRADERS])
@pytest.mark.parametrize("text", ODD, ids=lambda text: text[:12])
def test_odd_answers_get_a_grade(kind: str | None, text: str) -> None:
    assert 0.0 <= grade(kind, text, "#### 12") <= 1.0
    assert 0.0 <= grade(kind, "#### 12", text) <= 1.0
    assert grade(kind, text, text) == pytest.approx(1.0)


def test_large_numbers_are_told_apart() -> None:
    one, other = "9" * 400, "9" * 399 + "8"
    assert grade("numeric", one, other) == 0.0
    assert grade("numeric", one, "12") == 0.0
    assert grade("json", f"[{one}]", f"[{other}]") == 0.0
    assert grade("json", f"[{one}]", f"[{one}]") == 1.0
