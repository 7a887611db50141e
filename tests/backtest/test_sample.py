"""The draw is bounded, leaves small tasks whole, and favours no row of a task."""

from __future__ import annotations

from collections import Counter

from shortstop.backtest.sample import DrawnRow, RequestSample
from tests.backtest.logs import example, request


def drawn(n: int) -> DrawnRow:
    return DrawnRow(request(n, str(n)), example(n, str(n), "a"))


def sample(most: int, seed: int = 0, **tasks: int) -> RequestSample:
    """So many rows of each task, the tasks one after the other."""
    made = RequestSample(most, seed)
    for name, count in tasks.items():
        for n in range(count):
            made.add(name, drawn(n))
    return made


def test_small_tasks_are_whole_and_large_ones_share_the_rest() -> None:
    found = Counter(name for name, _ in sample(50, small=4, large=900, other=300).turns())
    assert found == {"small": 4, "large": 23, "other": 23}


def test_fewer_rows_than_wanted_are_all_there() -> None:
    made = sample(50, one=3, two=5)
    assert len(made) == 8
    assert {row.example.at for name, row in made.turns() if name == "two"} == set(range(5))


def test_tasks_come_by_turns() -> None:
    names = [name for name, _ in sample(40, a=3, b=100).turns()]
    assert names[:6] == ["a", "b"] * 3
    assert set(names[6:]) == {"b"}


def test_no_row_of_a_task_is_favoured() -> None:
    """Neither the first nor the last, though others crowd in later: 20 of 100 rows, 400 times."""
    counts = Counter(
        int(row.example.at) // 25
        for seed in range(400)
        for name, row in sample(40, seed, a=100, b=100).turns()
        if name == "a"
    )
    assert sum(counts.values()) == 400 * 20
    assert all(abs(counts[part] - 2000) < 200 for part in range(4))
