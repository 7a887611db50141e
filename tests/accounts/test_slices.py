"""A slice: how large it is to be, when an order is due, and what may be used meanwhile."""

from __future__ import annotations

import pytest

from shortstop.accounts.slices import (
    AHEAD_SECONDS,
    IDLE_SECONDS,
    KEPT_SECONDS,
    PACE_SECONDS,
    REFRESH_SECONDS,
    TOUCH_SECONDS,
    LeasedSlice,
    SliceTerms,
    sized,
)
from shortstop.types.leases import Leased

NOW = 1000.0


def leased(amount: int, left: int = 10**6) -> LeasedSlice:
    """One that was just leased for a request."""
    one = LeasedSlice(first=4)
    order, _ = one.order([10], "a", NOW)
    one.answered(order, Leased("a", amount, left), NOW)
    one.used_at = NOW
    return one


@pytest.mark.parametrize(
    ("order", "room", "size"),
    [
        (SliceTerms(0, 0, (10,), 40), 10_000, 50),
        (SliceTerms(0, 0, (10,), 40), 210, 20),  # a twentieth of what is left beyond
        (SliceTerms(0, 0, (10,), 40), 10, 10),  # a request that fits exactly
        (SliceTerms(0, 0, (10,), 40), 9, 0),
        (SliceTerms(0, 0, (6, 8, 4), 40), 10, 10),  # those that fit, in their order
        (SliceTerms(30, 80, (), 0), 50, 80),  # what is leased stays, though the budget was lowered
        (SliceTerms(30, 30, (), 0), 0, 30),
        (SliceTerms(30, 50, (5,), 0), 1000, 50),  # what is free already is enough
    ],
)
def test_its_size(order: SliceTerms, room: int, size: int) -> None:
    assert sized(order, room) == order.size(room) == size


def test_the_first_request_leases_for_some_more() -> None:
    _, terms = LeasedSlice(first=4).order([10], "a", NOW)
    assert terms == SliceTerms(0, 0, (10,), 40)


def test_it_lasts_for_a_while_at_the_pace_at_which_it_is_used() -> None:
    one = leased(1000)
    for n in range(100):
        one.hold(5, NOW + n / 100)
        one.settle(5, 3, one.generation)
    _, terms = one.order([], "b", NOW + 1)
    assert terms.extra >= 300 * AHEAD_SECONDS
    assert terms.floor == 1000 - 300


def test_what_many_needed_at_once_is_kept_ready() -> None:
    one = leased(1000)
    for _ in range(20):
        one.hold(10, NOW)
    for _ in range(20):
        one.settle(10, 0, one.generation)
    assert one.order([], "b", NOW + 1)[1].extra == 250


def test_of_what_is_under_way_no_more_is_used_than_stays_in_any_case() -> None:
    """Idle: the rest is on its way back, and whether it came nobody knows."""
    one = leased(100)
    one.hold(30, NOW)
    later = NOW + KEPT_SECONDS + 1
    order, terms = one.order([], "b", later)
    assert (order.lease, terms.floor, one.free(later)) == ("a", 30, 0)
    again, _ = one.order([], "c", later + 1)
    assert again.tried == (("b", 0),), "its answer was lost"
    one.answered(again, Leased("c", 30, 0), later + 1)
    assert (one.tried, one.lease, one.free(later)) == ([], "c", 0)


def test_what_is_spent_while_an_order_is_under_way_is_told_by_the_next() -> None:
    one = leased(100)
    one.spend(10, NOW)
    order, _ = one.order([], "b", NOW + 1)
    one.spend(20, NOW + 1)
    one.answered(order, Leased("b", 90, 5), NOW + 1)
    assert (one.spent, one.free(NOW)) == (20, 70)


def test_a_lost_slice_takes_what_was_under_way_with_it() -> None:
    one = leased(100)
    one.hold(30, NOW)
    generation = one.generation
    order, _ = one.order([], "b", NOW + 1)
    one.answered(order, Leased("", 0, 0, lost=True), NOW + 1)
    one.settle(30, 25, generation)
    assert (one.amount, one.held, one.spent) == (0, 0, 0)
    one.settle(30, 40, generation)
    assert one.spent == 10, "beyond what was given up"


def test_when_an_order_is_due() -> None:
    one = leased(100)
    assert not one.due(NOW + PACE_SECONDS / 2)
    assert not one.due(NOW + 1), "nothing was used"
    one.hold(60, NOW + 1)
    assert not one.due(NOW + 1), "enough is left"
    one.hold(20, NOW + 1)
    assert one.due(NOW + 1), "most of it is used"
    assert one.runs_low(NOW + 1)
    one.settle(80, 0, one.generation)
    assert not one.due(NOW + 1)
    assert one.due(NOW + 1 + IDLE_SECONDS + 0.1), "nobody asks: what is more than needed"
    one.used_at = NOW + REFRESH_SECONDS
    assert one.due(NOW + REFRESH_SECONDS + 0.1), "others learn what was spent"
    one.change()
    assert one.due(NOW + 1)


def test_one_of_which_nothing_is_leased_needs_none() -> None:
    one = LeasedSlice(first=4)
    assert one.at_rest
    assert not one.due(NOW)
    held = leased(10, left=0)
    held.hold(10, NOW)
    assert not held.due(NOW + REFRESH_SECONDS + 1)
    assert held.due(NOW + TOUCH_SECONDS + 1), "else it would be given up"


def test_where_little_is_left_the_rest_goes_back() -> None:
    one = leased(100, left=0)
    one.spend(10, NOW)
    assert one.due(NOW + 1)
    assert one.order([], "b", NOW + 1)[1].floor == 0
    scarce = leased(100, left=800)
    assert scarce.order([], "b", NOW + 1)[1].floor == 45, "a twentieth of what is left in all"


def test_of_what_nobody_uses_a_minute_s_need_stays_for_a_while() -> None:
    one = leased(1000)
    for n in range(5):
        one.hold(10, NOW + n)
        one.settle(10, 1, one.generation)
    later = NOW + 4 + IDLE_SECONDS + 0.1
    assert one.due(later)
    order, terms = one.order([], "b", later)
    need = 10 + 2 + int(5 / (later - NOW) * AHEAD_SECONDS)
    assert (terms.floor, terms.extra) == (need, need)
    one.answered(order, Leased("b", need, 10**6), later)
    assert not one.due(later + 1), "it stays"
    assert one.due(later + REFRESH_SECONDS + 1), "others are told; what is needed is less and less"
    again, terms = one.order([], "c", later + REFRESH_SECONDS + 1)
    assert 12 < terms.floor < need
    one.answered(again, Leased("c", terms.floor, 10**6), later + REFRESH_SECONDS + 1)
    over = NOW + 4 + KEPT_SECONDS + 1
    assert one.due(over)
    assert one.order([], "d", over)[1] == SliceTerms(0, 0, (), 0)


@pytest.mark.parametrize(("left", "kept"), [(10**6, 12), (2000, 12), (200, 11), (150, 0), (0, 0)])
def test_what_nobody_uses_stays_only_where_others_do_not_miss_it(left: int, kept: int) -> None:
    """At most a twentieth of what is left; nothing where that is less than a request."""
    one = leased(20, left)
    one.hold(10, NOW)
    one.settle(10, 0, one.generation)
    assert one.order([], "b", NOW + IDLE_SECONDS + 0.1)[1].floor == kept


def test_what_was_refused_is_not_asked_for_again_at_once() -> None:
    one = leased(10, left=0)
    one.refuse(50, NOW)
    assert one.refuses(50, NOW)
    assert not one.refuses(49, NOW)
    assert not one.refuses(50, NOW + PACE_SECONDS)
    assert one.order([], "b", NOW + 1)[1].floor == 0, "too little for those who ask goes back"
    one.refuse(50, NOW)
    one.change()
    assert not one.refuses(50, NOW)


def test_one_that_has_lapsed_is_used_no_more() -> None:
    one = leased(100)
    one.lapses = NOW + 55
    assert one.free(NOW + 54) == 100
    assert one.free(NOW + 55) == 0
    assert one.order([], "b", NOW + 56)[1].floor == 0


def test_units_that_were_given_back_are_free_once_the_store_knows() -> None:
    one = leased(10)
    one.spend(8, NOW)
    order, _ = one.order([], "b", NOW + 1)
    one.answered(order, Leased("b", 2, 5), NOW + 1)
    one.spent -= 6
    assert one.free(NOW) == 2
    assert one.order([], "c", NOW + 2)[0].spent == -6
