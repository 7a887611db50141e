"""The simulated judge: right but for its stated share, consistent, and impartial where both err."""

from __future__ import annotations

import json
from typing import Any

from bench.company.judge import ERROR, WAVERING, verdict


def row(n: int, gold: str = "fees", check: str = "label") -> dict[str, Any]:
    return {"key": f"k{n}", "check": check, "gold": gold}


def said(n: int, first: str, second: str) -> int:
    """1 where the first answer wins, -1 the second, 0 neither."""
    grades = json.loads(verdict(row(n), {"first_answer": first, "second_answer": second}))
    return int(grades["first"] > grades["second"]) - int(grades["first"] < grades["second"])


def test_it_errs_as_often_as_it_says_and_the_same_way_in_both_orders() -> None:
    both = [(said(n, "fees", "loan"), said(n, "loan", "fees")) for n in range(4000)]
    wavering = sum(one == two for one, two in both) / 4000
    wrong = sum((one, two) == (-1, 1) for one, two in both) / 4000
    assert abs(wavering - WAVERING) < 0.01
    assert abs(wrong - ERROR) < 0.015


def test_where_both_are_wrong_it_favours_neither_more_often() -> None:
    wins = [said(n, "card", "loan") for n in range(4000)]
    assert abs(sum(wins)) / 4000 < 0.1
    assert 0.3 < sum(one != 0 for one in wins) / 4000 < 0.7


def test_calls_are_read_as_the_gateway_spells_them() -> None:
    gold = [{"pay": {"amount": [3]}}]
    material = {"first_answer": '[["pay",{"amount":3}]]', "second_answer": "What amount?"}
    wins = 0
    for n in range(200):
        record = {"key": f"k{n}", "check": "calls", "gold": gold}
        grades = json.loads(verdict(record, material))
        wins += grades["first"] > grades["second"]
    assert wins > 160


def test_of_what_has_no_reference_it_says_nothing() -> None:
    grades = json.loads(verdict(row(1, check=""), {"first_answer": "a", "second_answer": "b"}))
    assert grades["first"] == grades["second"]
