"""The document adds up: every total equals its parts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shortstop.backtest.cloud import cloud_evidence
from shortstop.backtest.result import Backtest
from shortstop.backtest.trial import TARGETS, KindResult, Trial
from shortstop.backtest.verdict import LogFindings, concluded
from shortstop.config import HardwareConfig
from shortstop.flywheel.examples import Example
from tests.backtest.logs import row, texts
from tests.backtest.test_count import take

MINI, TODAY = "claude-haiku-5-5", "claude-opus-5-5"


def same(answer: str, example: Example) -> float:
    return float(answer == example.answer)


def conclude(served: float, mini: int = 0, **more: float) -> Backtest:
    """200 requests in a day; the first `mini` of them were asked of a smaller model as well."""
    pairs = texts(200)
    rows = [row(n, text, label) for n, (text, label) in enumerate(pairs)]
    rows += [row(n, text, label, MINI) for n, (text, label) in enumerate(pairs[:mini])]
    takes = take(*rows, cloud=(MINI,))
    (task,) = takes.tally.tasks
    hits = tuple([1.0] * int(40 * served) + [0.0] * (40 - int(40 * served)))
    kind = KindResult("label-head", 0.95, served, 1.0, 40)
    trial = Trial(
        trained=160, asked=40, kinds=(kind,) if served else (), counts=(1,) * 40,
        costs=(0.001,) * 40, served=(hits,) * len(TARGETS), right=(hits,) * len(TARGETS),
        refused={} if served else {"label-head": "Its answers are no labels."}, proven=True,
    )  # fmt: skip
    evidence = cloud_evidence(takes.tally.tasks[task].kept(), (MINI,), same)
    return concluded(
        LogFindings(["log"], takes, {task: trial}, {task: evidence}, HardwareConfig(), 445, 384,
                 more.get("days"), 0.05, [])
    )  # fmt: skip


def test_the_sums_are_those_of_the_tasks() -> None:
    found = conclude(0.75)
    assert found.bill == sum((task.cost for task in found.tasks), Decimal(0))
    assert found.calls == sum(task.requests for task in found.tasks) == 200
    assert found.avoided.value == pytest.approx(
        sum(t.avoidable.value for t in found.tasks), rel=1e-6
    )
    ours = found.baselines.ours.value
    assert ours == pytest.approx(float(found.baselines.today) - found.saved.value)
    assert found.sensitivity[0].saved.value == pytest.approx(found.saved.value * found.month)
    machine = found.machines[0]
    assert float(machine.saved) == pytest.approx(found.saved.value * found.month, rel=1e-6)
    assert found.saved.low <= found.saved.value <= found.saved.high


def test_a_cloud_model_counts_once_the_log_shows_it() -> None:
    none, few, many = (conclude(0.5, mini).baselines for mini in (0, 20, 150))
    assert none.cloud_certified == none.today
    assert few.cloud_certified == few.today
    assert many.cloud_certified < many.today
    assert none.cloud_if_good_enough is not None
    assert none.cloud_if_good_enough < none.today
    assert none.cloud_model == MINI


def test_what_to_do_is_said_and_why_not() -> None:
    yes, no = conclude(0.75), conclude(0.0)
    assert any("go local (label-head)" in step for step in yes.steps)
    assert any("for the money" in step for step in no.steps)
    assert no.tasks[0].why == "Its answers are no labels."
    assert no.local_share.value == 0
    assert no.wrong_a_day.value == 0


def test_time_decides_what_a_month_is() -> None:
    day, month = conclude(0.75, days=1), conclude(0.75, days=30)
    assert day.month == pytest.approx(30 * month.month)
    assert day.bill == month.bill
    assert month.days_basis == "as you said"
