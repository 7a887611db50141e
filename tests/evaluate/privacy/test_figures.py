"""Shares have their interval and times their ranks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.evaluate.figures import wilson
from shortstop.evaluate.privacy.figures import Measured, counted, timing


def test_a_share_comes_with_its_interval() -> None:
    figure = counted("x", 45, 50)
    assert (figure.name, figure.n, figure.hits, figure.share) == ("x", 50, 45, 0.9)
    assert (figure.low, figure.high) == wilson(45, 50)
    assert figure.low < 0.9 < figure.high


def test_of_nothing_nothing_is_known() -> None:
    assert counted("x", 0, 0) == Measured("x", 0, 0, 0.0, 0.0, 1.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_ranks_are_measured_times(milliseconds: list[float]) -> None:
    result = timing("x", milliseconds)
    assert result.n == len(milliseconds)
    assert result.p50 in milliseconds
    assert result.p99 in milliseconds
    assert result.p50 <= result.p99
    above = sum(m > result.p99 for m in milliseconds)
    assert above <= 0.01 * len(milliseconds)


def test_one_time_in_a_hundred_lies_above_the_99th() -> None:
    assert timing("x", list(range(1, 101))).p99 == 99
    assert timing("x", list(range(1, 101))).p50 == 51
    assert timing("x", [7.0]) == timing("x", [7.0])
    assert timing("x", [7.0]).p99 == pytest.approx(7)
