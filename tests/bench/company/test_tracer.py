"""How two systems are compared at equal error."""

from __future__ import annotations

import pytest
from bench.company.sources import Item
from bench.company.tracer import Answered, Ranked, answered_of, beside

WRONG = [False, False, True, False, False, False, True, True]


@pytest.mark.parametrize(("error", "share"), [(0.0, 0.25), (0.17, 0.75), (0.34, 0.875), (0.4, 1.0)])
def test_the_largest_share_within_an_error(error: float, share: float) -> None:
    assert Ranked(8, WRONG).at(error) == share


def test_nothing_is_served_where_the_surest_is_wrong() -> None:
    assert Ranked(2, [True, True]).at(0.1) == 0.0


def test_what_is_deferred_is_neither_right_nor_wrong() -> None:
    items = [Item(str(n), "t", gold, False) for n, gold in enumerate("aabb")]
    assert answered_of(["a", None, "b", "a"], items) == Answered(4, 0.75, 0.3333)


def test_ours_is_read_at_the_others_error() -> None:
    told = beside((0.9, "global", Answered(8, 0.5, 0.17)), Ranked(8, WRONG))
    assert told["ratio"] == 1.5
    assert beside((0.9, "None", None), Ranked(8, WRONG)) == {"target": 0.9, "refused": True}
