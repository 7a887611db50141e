"""The arithmetic of reports: nearest rank, and nothing counted twice or left out."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from shortstop.traces.report import Latencies, histogram, percentiles, timeline_step

SECONDS = st.lists(st.floats(0, 1000), max_size=60)


def latencies(local: list[float], remote: list[float]) -> Latencies:
    both = [(True, one) for one in local] + [(False, one) for one in remote]
    made = Latencies()
    for is_local, seconds in sorted(both, key=lambda one: one[1]):
        made.add(is_local, seconds)
    return made


@given(SECONDS)
def test_percentiles_are_values_at_their_nearest_rank(values: list[float]) -> None:
    ordered = sorted(values)
    p50, p95 = percentiles(ordered)
    if not ordered:
        assert (p50, p95) == (None, None)
        return
    assert p50 is not None
    assert p95 is not None
    for value, share in ((p50, 0.5), (p95, 0.95)):
        assert value in ordered
        assert sum(one <= value for one in ordered) >= ceil(share * len(ordered))
        assert sum(one < value for one in ordered) < share * len(ordered)


@given(SECONDS, SECONDS)
def test_the_histogram_holds_every_answer_once(local: list[float], remote: list[float]) -> None:
    bins = histogram(latencies(local, remote))
    assert sum(one.local for one in bins) == len(local)
    assert sum(one.remote for one in bins) == len(remote)
    for before, after in pairwise(bins):
        assert before.high == after.low
    if bins:
        assert bins[0].local or bins[0].remote
        assert bins[-1].local or bins[-1].remote


@given(SECONDS, SECONDS)
def test_latencies_keep_both_sides_in_order(local: list[float], remote: list[float]) -> None:
    made = latencies(local, remote)
    assert list(made.local) == sorted(local)
    assert list(made.remote) == sorted(remote)
    assert made.all == sorted(local + remote)


@given(st.floats(0, 2e9), st.floats(0, 1e9))
def test_a_timeline_has_no_more_points_than_fit(first: float, length: float) -> None:
    step = timeline_step(first, first + length)
    assert length / step <= 96 or step == 30 * 86_400


def test_no_rows_have_the_shortest_step() -> None:
    assert timeline_step(None, None) == 1
