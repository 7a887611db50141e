"""Draws are the same everywhere, and fair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.routing.chance import draw

SEEDS = st.integers(-(2**63), 2**63 - 1)
COUNTERS = st.integers(0, 2**64 - 1)


@given(SEEDS, COUNTERS)
def test_a_draw_depends_on_seed_and_counter_alone(seed: int, counter: int) -> None:
    assert 0 <= draw(seed, counter) < 1
    assert draw(seed, counter) == draw(seed, counter)


def test_logged_draws_can_be_made_again_by_any_release() -> None:
    """Propensities in old rows are checked against these very numbers."""
    assert [round(draw(7, n), 6) for n in range(4)] == [0.728348, 0.803338, 0.244195, 0.184606]
    assert draw(-1, 0) != draw(1, 0)


@pytest.mark.parametrize("seed", [0, 1, -5])
def test_draws_are_uniform_and_do_not_hang_together(seed: int) -> None:
    draws = np.array([draw(seed, n) for n in range(20_000)])
    tenths = np.bincount((draws * 10).astype(int), minlength=10)
    assert ((tenths > 1850) & (tenths < 2150)).all()
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.03


def test_workers_that_begin_apart_draw_other_lots() -> None:
    """Each worker's counter begins at its number shifted by 40 bits."""
    lots = [[draw(0, (worker << 40) + n) for n in range(100)] for worker in range(4)]
    assert len({value for worker in lots for value in worker}) == 400


@pytest.mark.parametrize(("seed", "counter"), [(2**63, 0), (0, -1), (0, 2**64)])
def test_what_does_not_fit_is_an_error(seed: int, counter: int) -> None:
    with pytest.raises(OverflowError):
        draw(seed, counter)
