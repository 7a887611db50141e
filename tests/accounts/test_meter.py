"""The meter never lets more in than the limit, and says the truth about waiting."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.accounts import meter
from shortstop.accounts.meter import WINDOW, mended
from shortstop.types.leases import SharedMeter

NOW = 1_795_000_000.0
STEPS = st.lists(st.tuples(st.floats(0, 90), st.integers(1, 30)), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None)
@given(limit=st.integers(1, 200), steps=STEPS)
def test_no_window_admits_more_than_a_burst_and_the_steady_rate(
    limit: int, steps: list[tuple[float, int]]
) -> None:
    now, arrival = NOW, 0.0
    admitted: list[tuple[float, int]] = []
    for pause, units in steps:
        now += pause
        read = meter.take(arrival, now, units, limit)
        arrival = read.arrival
        if read.admitted:
            admitted.append((now, units))
    for i, (start, _) in enumerate(admitted):
        total = 0
        for at, units in admitted[i:]:
            total += units
            allowed = limit * (1 + (at - start) / meter.WINDOW)
            assert total <= allowed + 1e-3


@given(limit=st.integers(1, 1000), used=st.integers(0, 2000), units=st.integers(1, 50))
def test_who_waits_as_told_gets_in(limit: int, used: int, units: int) -> None:
    arrival = NOW + min(used, limit) * meter.WINDOW / limit
    read = meter.take(arrival, NOW, units, limit)
    if read.too_large:
        assert units > limit
        return
    if not read.admitted:
        again = meter.take(read.arrival, NOW + read.retry_after + 1e-6, units, limit)
        assert again.admitted


@given(limit=st.integers(1, 500), first=st.integers(0, 500))
def test_remaining_units_do_come_in(limit: int, first: int) -> None:
    read = meter.take(0.0, NOW, min(first, limit), limit)
    if read.remaining:
        assert meter.take(read.arrival, NOW, read.remaining, limit).admitted
    assert not meter.take(read.arrival, NOW, read.remaining + 1, limit).admitted


def test_correcting_gives_back_what_was_not_used() -> None:
    read = meter.take(0.0, NOW, 100, 100)
    assert not meter.take(read.arrival, NOW, 1, 100).admitted
    arrival = meter.correct(read.arrival, NOW, -40, 100)
    assert meter.take(arrival, NOW, 40, 100).admitted
    assert not meter.take(arrival, NOW, 41, 100).admitted


@given(
    limit=st.integers(1, 1000),
    used=st.integers(0, 1000),
    units=st.integers(1, 50),
    share=st.sampled_from([0.25, 0.5, 1.0]),
)
def test_who_may_use_a_share_leaves_the_rest_and_gets_in_later(
    limit: int, used: int, units: int, share: float
) -> None:
    arrival = NOW + min(used, limit) * meter.WINDOW / limit
    read = meter.take(arrival, NOW, units, limit, share)
    if read.admitted:
        alone = used == 0
        assert alone or min(used, limit) + units <= limit * share + 1e-3
        assert meter.take(arrival, NOW, units, limit).admitted
    elif units <= limit:
        wait = read.retry_after + 1e-6
        assert meter.take(read.arrival, NOW + wait, units, limit, share).admitted


@pytest.mark.parametrize("arrival", [inf, -inf, nan, 1e300])
def test_a_state_that_none_can_have_counts_as_used_up(arrival: float) -> None:
    now = 1.8e9
    reading = meter.take(arrival, now, 1, 60)
    assert (reading.admitted, reading.remaining) == (False, 0)
    assert meter.take(reading.arrival, now + 1.01, 1, 60).admitted
    assert meter.correct(arrival, now, -30, 60) == now + WINDOW / 2
    state = SharedMeter(arrival, now, -1, 10**18, 3)
    assert mended(state, 60) == SharedMeter(now + WINDOW + 63, now, 0, 60, 3)
    whole = SharedMeter(now + 1, now, 1, 2, 0)
    assert mended(whole, 60) == whole
