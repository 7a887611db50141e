"""What is served must be what was trained, within bounds that are said."""

from __future__ import annotations

from math import exp

from shortstop.flywheel.adapter.messages import Scored
from shortstop.flywheel.adapter.parity import LEAST_AGREED, MOST_APART, parity


def found(agreed: float, apart: float) -> bool:
    trained = [-0.5, -1.0]
    served = [exp(logprob - apart) for logprob in trained]
    return parity(served, Scored(trained, [agreed, agreed])).holds


def test_within_both_bounds_it_holds_and_beyond_either_it_does_not() -> None:
    assert found(LEAST_AGREED, 0.9 * MOST_APART)
    assert not found(LEAST_AGREED - 0.01, 0.0)
    assert not found(1.0, 1.1 * MOST_APART)
    assert not found(1.0, -1.1 * MOST_APART)


def test_distances_in_both_directions_do_not_cancel() -> None:
    one = parity([exp(-0.3), exp(-0.7)], Scored([-0.5, -0.5], [1.0, 1.0]))
    assert one.apart > 0.19
    assert not one.holds


def test_nothing_to_compare_is_no_parity() -> None:
    assert not parity([], Scored([], [])).holds


def test_an_answer_that_the_engine_thought_impossible_is_far_apart_and_no_error() -> None:
    assert not parity([0.0], Scored([-0.1], [1.0])).holds
