"""What counts as right."""

from __future__ import annotations

import json

import pytest
from bench.company.score import CHECKS, rouge_l

CALL = [{"f": {"a": [1], "unit": ["", "m"], "place": ["Bern, BE"]}}]


@pytest.mark.parametrize(
    ("check", "answer", "gold", "right"),
    [
        ("label", " Card_Arrival. ", "card_arrival", True),
        ("label", '{"intent": "card_arrival"}', "card_arrival", True),
        ("label", "I think card_arrival", "card_arrival", False),
        ("extract", '{"a": "1.00 ", "b": ""}', {"a": "1.00"}, True),
        ("extract", '{"a": "1.00", "b": "x"}', {"a": "1.00"}, False),
        ("extract", '```json\n{"a": ["y", "x"]}\n```', {"a": ["x", "y"]}, True),
        ("extract", '{"city": "São Paulo"}', {"city": "são paulo"}, True),
        ("extract", '{"city": "Paulo"}', {"city": "São Paulo"}, False),
        ("same", "It is: so!", "it is so", True),
        ("calls", json.dumps([{"f": {"a": 1, "place": "bern be"}}]), CALL, True),
        ("calls", json.dumps([{"f": {"a": 1, "place": "Bern, BE", "unit": "m"}}]), CALL, True),
        ("calls", json.dumps([{"f": {"a": 2, "place": "Bern, BE"}}]), CALL, False),
        ("calls", json.dumps([{"f": {"a": 1}}]), CALL, False),
        ("calls", json.dumps([{"g": {"a": 1}}]), CALL, False),
        ("calls", "words", CALL, False),
        ("calls", "words", [], True),
        ("calls", json.dumps([{"f": {}}]), [], False),
        ("maths", "so The answer is $\\frac{1}{2}$.", ["$\\frac{1}{2}$"], True),
        ("maths", "The answer is 3", ["2"], False),
        ("rouge", "the patient has asthma", "The patient has asthma.", True),
    ],
)
def test_checks(check: str, answer: str, gold: object, right: bool) -> None:
    assert CHECKS[check](answer, gold) is right


def test_rouge_of_nothing_is_zero() -> None:
    assert rouge_l("", "words") == 0
