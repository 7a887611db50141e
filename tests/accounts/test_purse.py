"""Budgets by calendar: exact to the pico-dollar, rounded against the spender."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.accounts import Key, Period
from shortstop.accounts.keys import LINE_HOLD, LONGEST_HOLD
from shortstop.accounts.purse import Balance, Purse, window, window_start
from shortstop.accounts.teambook import TeamBook
from shortstop.ports.stores import AccountStore
from shortstop.stores.sqlite.connect import Database
from tests.accounts.conftest import opened
from tests.conftest import FakeClock


def key(period: Period = "month", budget: str = "1", id: str = "k1") -> Key:
    return Key(name="a", id=id, created=0, tail="tail", budget_usd=Decimal(budget), period=period)


@pytest.mark.parametrize(
    ("period", "expected"), [("day", "2026-12-31"), ("month", "2026-12"), ("total", "total")]
)
def test_windows_are_calendar_days_and_months_in_utc(period: Period, expected: str) -> None:
    last_second = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert window(period, last_second) == expected
    assert (window(period, last_second + 1) == expected) == (period == "total")


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_a_later_moment_is_never_in_an_earlier_window(one: float, other: float) -> None:
    first, later = sorted((one, other))
    for period in ("day", "month"):
        assert window(period, first) <= window(period, later)


def test_a_hold_is_rounded_up_and_so_is_a_cost(store: AccountStore, clock: FakeClock) -> None:
    purse = Purse(store, clock, TeamBook(store, clock))
    assert purse.hold("a", key(), Decimal("0.0000000000001"))
    assert purse.balance(key()).held == Decimal("0.000000000001")
    purse.settle("a", key(), Decimal("0.0000000000001"))
    assert purse.balance(key()) == Balance(Decimal("0.000000000001"), Decimal(0), "2026-11")


def test_the_last_pico_dollar_may_be_spent_and_no_more(
    store: AccountStore, clock: FakeClock
) -> None:
    purse, mine = Purse(store, clock, TeamBook(store, clock)), key(budget="0.000000000003")
    assert purse.hold("a", mine, Decimal("0.000000000002"))
    assert not purse.hold("b", mine, Decimal("0.000000000002"))
    assert purse.hold("b", mine, Decimal("0.000000000001"))
    assert not purse.hold("c", mine, Decimal("0.000000000001"))


def test_a_cost_beyond_what_was_held_is_counted_in_full(
    store: AccountStore, clock: FakeClock
) -> None:
    """What was paid was paid: the next request finds the budget spent."""
    purse, mine = Purse(store, clock, TeamBook(store, clock)), key()
    assert purse.hold("a", mine, Decimal("0.5"))
    purse.settle("a", mine, Decimal("1.25"))
    assert purse.balance(mine).spent == Decimal("1.25")
    assert not purse.hold("b", mine, Decimal("0.01"))


def test_a_request_that_is_settled_in_the_next_window_counts_there(
    store: AccountStore, clock: FakeClock
) -> None:
    purse, mine = Purse(store, clock, TeamBook(store, clock)), key("day")
    assert purse.hold("a", mine, Decimal("0.5"))
    clock.advance(86_400)
    assert purse.balance(mine) == Balance(Decimal(0), Decimal("0.5"), "2026-11-19")
    purse.settle("a", mine, Decimal("0.5"))
    assert purse.balance(mine) == Balance(Decimal("0.5"), Decimal(0), "2026-11-19")


def test_what_nobody_can_still_be_working_on_counts_as_spent(
    store: AccountStore, clock: FakeClock
) -> None:
    purse, mine = Purse(store, clock, TeamBook(store, clock)), key("total")
    assert purse.hold("a", mine, Decimal("0.5"))
    clock.advance(LONGEST_HOLD - 1)
    assert purse.recover() == 0
    clock.advance(2)
    assert purse.recover() == 1
    assert purse.balance(mine) == Balance(Decimal("0.5"), Decimal(0), "total")


def test_budgets_of_two_keys_have_nothing_to_do_with_each_other(
    store: AccountStore, clock: FakeClock
) -> None:
    purse = Purse(store, clock, TeamBook(store, clock))
    assert purse.hold("a", key(), Decimal(1))
    assert purse.hold("b", key(id="k2"), Decimal(1))
    assert not purse.hold("c", key(), Decimal("0.01"))


@given(st.floats(0, 4e9), st.sampled_from(["day", "month"]))
def test_a_window_begins_with_its_first_second(now: float, period: Period) -> None:
    start = window_start(period, now)
    assert start is not None
    assert start <= now
    assert window(period, start) == window(period, now) != window(period, start - 1)
    assert window_start("total", now) is None


def test_a_key_without_a_team_costs_no_statement_more_than_before_teams(
    file: Path, clock: FakeClock
) -> None:
    with closing(opened(file)) as store:
        teams = TeamBook(store, clock)
        purse, said = Purse(store, clock, teams), list[str]()
        database = store._database
        assert isinstance(database, Database)
        assert database._db is not None
        purse.hold("first", key(), Decimal("0.1"))
        database._db.set_trace_callback(lambda statement: said.append(statement.split()[0]))
        purse.hold("r1", key(), Decimal("0.1"))
        assert said == ["BEGIN", "SELECT", "INSERT", "INSERT", "COMMIT"]
        said.clear()
        purse.settle("r1", key(), Decimal("0.1"))
        assert said == ["SELECT", "BEGIN", "SELECT", "SELECT", "DELETE", "INSERT", "COMMIT"]


def test_what_a_line_of_a_batch_holds_lasts_a_day_longer(
    store: AccountStore, clock: FakeClock
) -> None:
    purse = Purse(store, clock, TeamBook(store, clock))
    assert purse.hold_or_name("line", key(), Decimal("0.5"), LINE_HOLD) is None
    clock.advance(LINE_HOLD)
    assert purse.recover() == 0
    purse.settle("line", key(), Decimal("0.1"))
    assert purse.balance(key()).spent == Decimal("0.1")
