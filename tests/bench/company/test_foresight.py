"""What a backtest foretold stands beside what came, task by task."""

from __future__ import annotations

import math

import pytest
from bench.company.foresight import ALL, Share, answered, compared

from shortstop.types import Clearance, Decision, Reach, Tier, Trace, TraceOutcome


def row(
    number: int, task: str, specialist: str | None = None, outcome: TraceOutcome = "ok"
) -> Trace:
    decision = Decision((), task, 0.0, 0.0, 1.0, "r")
    clear = Clearance(Tier.S0, Reach.ANYWHERE)
    return Trace(
        f"r{number}", 0.0, "company", "openai", "auto", outcome, 200, False, 0.1, clear, decision,
        specialist=specialist,
    )  # fmt: skip


def test_only_answers_to_clients_count() -> None:
    rows = [
        row(0, "mail", "label-head-1"), row(1, "mail"), row(2, "mail", "label-head-1", "shadow"),
        row(3, "watch"), row(4, "faq"),
    ]  # fmt: skip
    assert answered(rows) == {
        "mail": [True, False],
        "faq": [False],
    }


def test_tasks_stand_by_their_volume_and_all_comes_last() -> None:
    told = {
        "tasks": [
            {"task": "t-1", "name": "mail", "local": {"value": 0.5, "low": 0.4, "high": 0.6}},
            {"task": "t-2", "name": "faq", "local": {"value": 0.9, "low": 0.8, "high": 1.0}},
            {"task": "t-3", "name": "gone", "local": {"value": 0.9, "low": 0.8, "high": 1.0}},
        ]
    }
    faq, mail = [True] * 20 + [False] * 80, [True] * 90 + [False] * 110
    lines = compared(told, {"t-2": faq, "t-1": mail, "t-9": [True]})
    assert [(line.task, line.requests, line.met) for line in lines] == [
        ("mail", 200, True),
        ("faq", 100, False),
        (ALL, 300, False),
    ]
    foretold = lines[-1].foretold
    assert foretold.value == pytest.approx((200 * 0.5 + 100 * 0.9) / 300)
    assert foretold.value - foretold.low == pytest.approx(math.hypot(20, 10) / 300)


@pytest.mark.parametrize(("low", "high", "met"), [(0.0, 0.4, True), (0.41, 0.5, False)])
def test_intervals_that_touch_agree(low: float, high: float, met: bool) -> None:
    assert Share(0.3, 0.2, 0.4).meets(Share(low, low, high)) is met
