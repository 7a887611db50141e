"""The demo's scoring: what counts as right."""

from __future__ import annotations

import json

import pytest
from bench.score import CHECKS, rouge_l
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("check", "said", "gold", "right"),
    [
        ("label", " Card_Arrival. ", "card_arrival", True),
        ("label", "I think card_arrival", "card_arrival", False),
        ("fields", '{"total": "9.00", "date": "1/2/18"}', {"total": "9.00"}, True),
        ("fields", '{"total": "9.0"}', {"total": "9.00"}, False),
        ("fields", "total 9.00", {"total": "9.00"}, False),
        ("number", "So it is 1,234.", "1234", True),
        ("number", "12 or 13", "12", False),
        ("number", "none", "12", False),
        ("contained", "Wash your hands well.", "Yes. Wash your hands well. Often.", True),
        ("contained", "Wash it.", "Wash it. Well.", False),
        ("contained", "Wash your hands with soap.", "Wash your hands well.", False),
    ],
)
def test_checks(check: str, said: str, gold: object, right: bool) -> None:
    assert CHECKS[check](said, gold) is right


@pytest.mark.parametrize(
    ("name", "arguments", "right"),
    [
        ("area", {"base": 10, "height": 5}, True),
        ("area", {"base": 10, "height": 5, "unit": "cm"}, True),
        ("area", {"base": 10, "height": 5, "unit": "miles"}, False),
        ("area", {"base": 10}, False),
        ("volume", {"base": 10, "height": 5}, False),
    ],
)
def test_calls_need_every_required_argument_and_accepted_values(
    name: str, arguments: dict[str, object], right: bool
) -> None:
    gold = {"area": {"base": [10], "height": [5], "unit": ["cm", ""]}}
    said = json.dumps({"name": name, "arguments": json.dumps(arguments)})
    assert CHECKS["call"](said, gold) is right


@given(st.text(max_size=80), st.text(max_size=80))
def test_rouge_is_a_symmetric_share(a: str, b: str) -> None:
    assert 0.0 <= rouge_l(a, b) <= 1.0
    assert rouge_l(a, b) == pytest.approx(rouge_l(b, a))


def test_rouge_of_itself_is_one() -> None:
    assert rouge_l("the cat sat down", "The cat sat down.") == 1.0
