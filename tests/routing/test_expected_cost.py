"""The cheapest way in expectation, whatever the number of targets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.routing.expected_cost import (
    CAUGHT_SHARE,
    MISTAKEN_SHARE,
    Option,
    QualityPrice,
    choose,
)

PRICE = QualityPrice(usd_per_point=0.001, usd_per_second=0.0001)
BIG = Option("big", 0.0, usd=0.005, seconds=2.0)

GAPS = st.floats(-1, 1)
MONEY = st.floats(0, 1)
OPTIONS = st.builds(Option, st.sampled_from("abcdef"), GAPS, MONEY, st.floats(0, 60))
PRICES = st.builds(QualityPrice, MONEY, st.floats(0, 0.01))


def small(gap: float, usd: float = 0.00005, seconds: float = 1.0) -> Option:
    return Option("small", gap, usd, seconds)


def test_a_good_local_model_is_tried_first() -> None:
    choice = choose([small(0.0)], [BIG], PRICE)
    assert (choice.way, choice.first) == ("try-and-look", "small")


def test_where_quality_is_dear_a_doubtful_one_is_not() -> None:
    dear = QualityPrice(usd_per_point=1.0, usd_per_second=0.0)
    choice = choose([small(0.3)], [BIG], dear)
    assert (choice.way, choice.first) == ("ask-frontier", "big")


def test_where_waiting_is_dear_a_slow_one_is_not() -> None:
    hurried = QualityPrice(usd_per_point=0.0, usd_per_second=1.0)
    assert choose([small(0.0, seconds=30.0)], [BIG], hurried).way == "ask-frontier"
    assert choose([small(0.0, seconds=0.5)], [BIG], hurried).way == "try-and-look"


def test_what_a_try_is_expected_to_cost() -> None:
    """Its own price; half of its bad answers pass unseen; what the look sends on is paid for."""
    gap = 0.4
    sent_on = gap * CAUGHT_SHARE + (1 - gap) * MISTAKEN_SHARE
    direct = BIG.usd + BIG.seconds * PRICE.usd_per_second
    own = 0.00005 + 1.0 * PRICE.usd_per_second
    lost = gap * (1 - CAUGHT_SHARE) * PRICE.usd_per_point
    choice = choose([small(gap)], [BIG], PRICE)
    assert choice.way == "try-and-look"
    assert choice.cost == pytest.approx(own + lost + sent_on * direct)


def test_of_several_of_each_the_cheapest() -> None:
    cheap = Option("cheap", 0.1, usd=0.0, seconds=0.1)
    backup = Option("backup", 0.0, usd=0.001, seconds=2.0)
    assert choose([small(0.1), cheap], [BIG, backup], PRICE).first == "cheap"
    free = QualityPrice(0.0, 0.0)
    assert choose([small(0.0, usd=9.0)], [BIG, backup], free).first == "backup"


def test_on_a_tie_the_frontier_is_asked() -> None:
    free = QualityPrice(0.0, 0.0)
    nothing = [small(0.0, usd=0.0)], [Option("big", 0.0, 0.0, 0.0)]
    assert choose(*nothing, free).way == "ask-frontier"


def test_a_model_that_is_better_than_the_frontier_loses_nothing() -> None:
    assert choose([small(-0.5)], [BIG], PRICE) == choose([small(0.0)], [BIG], PRICE)


def test_without_a_frontier_there_is_nothing_to_weigh() -> None:
    with pytest.raises(ValueError):
        choose([small(0.0)], [], PRICE)


@given(st.lists(OPTIONS, max_size=4), st.lists(OPTIONS, min_size=1, max_size=4), PRICES)
def test_no_other_way_is_cheaper(
    local: list[Option], frontier: list[Option], price: QualityPrice
) -> None:
    choice = choose(local, frontier, price)
    alone = choose([], frontier, price)
    assert choice.cost <= alone.cost
    for option in local:
        assert choice.cost <= choose([option], frontier, price).cost + 1e-12
    assert choice.first in {option.name for option in [*local, *frontier]}


@given(GAPS, GAPS, PRICES)
def test_a_worse_model_is_never_expected_to_cost_less(
    one: float, other: float, price: QualityPrice
) -> None:
    better, worse = sorted((one, other))
    frontier = Option("big", 0.0, usd=5.0, seconds=99.0)
    cost = [choose([small(gap)], [frontier], price).cost for gap in (better, worse)]
    assert cost[0] <= cost[1] + 1e-12
