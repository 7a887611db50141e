"""Shares and money against arithmetic, and intervals against what then happens."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from shortstop.backtest.outlook import Outlook, Premise, draws, pinned_of_all
from shortstop.backtest.tally import TaskTally
from shortstop.backtest.trial import TARGETS, KindResult, Trial


def trial(served: list[float], costs: list[float] | None = None) -> Trial:
    n = len(served)
    kind = KindResult("label-head", 0.95, sum(served) / n, 1.0, n)
    return Trial(
        kinds=(kind,), counts=(1,) * n, costs=tuple(costs or [0.01] * n),
        served=(tuple(served),) * len(TARGETS), right=(tuple(served),) * len(TARGETS),
    )  # fmt: skip


def tally(requests: int, cost: str, pinned: float = 0.0, judged: int = 100) -> TaskTally:
    return TaskTally(
        "t", requests=requests, cost=Decimal(cost), learnable=requests, judged=judged,
        weighed=float(requests), pinned=pinned * requests,
    )  # fmt: skip


def outlook(*pairs: tuple[TaskTally, Trial]) -> Outlook:
    tallies = [one for one, _ in pairs]
    pinned = pinned_of_all(tallies)
    return Outlook(tallies, [draws(t, made, pinned, n) for n, (t, made) in enumerate(pairs)])


def test_shares_of_requests_and_of_spend_differ() -> None:
    """The half that is served costs a tenth of what the other half costs."""
    served = [1.0, 0.0] * 200
    found = outlook((tally(1000, "11"), trial(served, [0.001, 0.01] * 200)))
    assert found.local_share().value == pytest.approx(0.5, abs=0.01)
    assert found.avoided().value == pytest.approx(1.0, abs=0.02)
    assert found.avoided(Premise(price=0.2)).value == pytest.approx(0.2, abs=0.01)
    saved = found.saved(Premise(audited=0.1, machine=0.5)).value
    assert saved == pytest.approx(0.4, abs=0.02)


def test_hard_tasks_that_grow_shrink_the_share() -> None:
    found = outlook((tally(100, "1"), trial([1.0] * 100)), (tally(100, "1"), Trial()))
    assert found.local_share().value == pytest.approx(0.5, abs=0.02)
    assert found.local_share(Premise(hard=3.0)).value == pytest.approx(0.25, abs=0.02)
    assert found.bill(Premise(hard=3.0)) == pytest.approx(4.0)


def test_what_is_pinned_stays_here_on_top() -> None:
    found = outlook((tally(1000, "10", pinned=0.2, judged=1000), trial([1.0, 0.0] * 100)))
    assert found.pinned_share().value == pytest.approx(0.2, abs=0.01)
    assert found.local_share().value == pytest.approx(0.2 + 0.8 * 0.5, abs=0.01)
    assert found.avoided(pinned=False).value == pytest.approx(4.0, abs=0.1)


def test_a_perfect_small_examination_is_not_sure_of_itself() -> None:
    small, large = (outlook((tally(1000, "10"), trial([1.0] * n))).local_share() for n in (10, 500))
    assert small.low < 0.93
    assert large.low > 0.99


def test_nine_of_ten_intervals_hold_the_truth() -> None:
    """Examined 200 of traffic of which 60 % is served; 2,000 more come."""
    random, held = np.random.default_rng(0), 0
    for _ in range(30):
        examined = (random.random(200) < 0.6).astype(float).tolist()
        found = outlook((tally(1000, "10"), trial(examined))).local_share()
        held += found.low <= (random.random(2000) < 0.6).mean() <= found.high
    assert held >= 25


def test_shares_that_move_with_time_widen_the_interval() -> None:
    steady = [1.0, 0.0] * 100
    drifting = [1.0] * 100 + [0.0] * 100
    wide, narrow = (outlook((tally(100, "1"), trial(s))).local_share() for s in (drifting, steady))
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_an_empty_log_saves_nothing() -> None:
    found = outlook()
    assert found.local_share().value == 0
    assert found.saved(Premise(machine=1.0)).value == -1
