"""Whatever the length and order of a log, the newest rows are kept and every row is counted."""

from __future__ import annotations

import random

import pytest

from shortstop.backtest import tally as tallies
from shortstop.backtest.tally import LearnRow, LogTally, Repetition
from tests.backtest.logs import example


@pytest.mark.parametrize("seed", [0, 1])
def test_the_newest_stay_in_any_order(seed: int) -> None:
    tally = LogTally(most=5)
    rows = [LearnRow(example(n, f"text {n}", "a"), 0.0) for n in range(50)]
    random.Random(seed).shuffle(rows)
    task = tally.task("t")
    for row in rows:
        tally.keep(task, row)
    assert [row.example.at for row in task.kept()] == [45, 46, 47, 48, 49]
    assert (task.learnable, task.sampled) == (50, True)


def test_long_texts_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_BYTES", 200_000)
    tally = LogTally(most=10_000)
    for n in range(300):
        tally.keep(tally.task(f"t{n % 2}"), LearnRow(example(n, "x" * 5000, "a"), 0.0))
    held = sum(task.bytes for task in tally.tasks.values())
    assert held <= 200_000
    assert min(len(task.rows) for task in tally.tasks.values()) > 3


def test_repetition_is_right_and_stays_so_when_drawn() -> None:
    for most in (10_000, 200):
        found = Repetition(most)
        for n in range(4000):
            found.add(1, f"text {n % 1000}")
            found.add(2, f"text {n}")
        shares = found.shares()
        assert shares[1] == pytest.approx(0.75, abs=0.001)
        assert shares[2] == 0.0


def test_a_thousand_tasks_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_TASKS", 3)
    tally = LogTally(most=5)
    assert [tally.task(f"t{n}").task for n in range(5)] == ["t0", "t1", "t2", "others", "others"]


def test_privacys_draw_is_fair() -> None:
    """20 % of the early rows and none of the later ones are pinned: 2 % of all."""
    shares = []
    for seed in range(20):
        tally = LogTally(most=1, seed=seed)
        task = tally.task("t")
        for n in range(20_000):
            task.requests += 1
            weight = tally.draw(task)
            if weight:
                tally.judge(task, weight, pinned=n < 2000 and n % 5 == 0)
        assert task.judged < 700
        assert task.pinned_share is not None
        shares.append(task.pinned_share)
    assert sum(shares) / len(shares) == pytest.approx(0.02, abs=0.006)
