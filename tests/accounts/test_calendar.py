"""Budgets begin anew at midnight of a place, once, whatever its clocks do that night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shortstop.accounts.calendar import (
    DRIFT,
    SKEW,
    BudgetSpan,
    GroupPeriod,
    purse_window,
    require_zone,
    span,
    told,
)
from shortstop.errors import InvalidRequest

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # until 2011 its clocks changed at a minute past midnight
    "Africa/Cairo",  # in spring there is no midnight
    "America/Havana",  # in autumn midnight comes twice
    "America/Sao_Paulo",  # until 2019 clocks went back over midnight
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Apia",  # had no 30th of December 2011
]
PERIODS: list[GroupPeriod] = ["day", "week", "month"]


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def spelled(window: BudgetSpan) -> list[str]:
    return [f"{datetime.fromtimestamp(t or 0, UTC):%Y-%m-%d %H:%M}" for t in window]


@pytest.mark.parametrize(
    ("period", "zone", "now", "expected"),
    [
        ("day", "UTC", "2026-11-27 12:00", ["2026-11-27 00:00", "2026-11-28 00:00"]),
        ("week", "UTC", "2026-11-29 23:59", ["2026-11-23 00:00", "2026-11-30 00:00"]),
        ("month", "UTC", "2026-12-31 23:59", ["2026-12-01 00:00", "2027-01-01 00:00"]),
        ("month", "Europe/Berlin", "2026-11-30 23:30", ["2026-11-30 23:00", "2026-12-31 23:00"]),
        ("month", "America/New_York", "2026-12-01 04:59", ["2026-11-01 04:00", "2026-12-01 05:00"]),
        # clocks go forward on 29 March 2026 and back on 25 October in Berlin
        ("day", "Europe/Berlin", "2026-03-29 12:00", ["2026-03-28 23:00", "2026-03-29 22:00"]),
        ("day", "Europe/Berlin", "2026-10-25 12:00", ["2026-10-24 22:00", "2026-10-25 23:00"]),
        ("month", "Europe/Berlin", "2026-03-31 21:59", ["2026-02-28 23:00", "2026-03-31 22:00"]),
        # in Cairo 24 April 2026 begins at one o'clock
        ("day", "Africa/Cairo", "2026-04-24 09:00", ["2026-04-23 22:00", "2026-04-24 21:00"]),
        # in Havana midnight of 1 November 2026 comes twice: the first one counts
        ("day", "America/Havana", "2026-11-01 04:30", ["2026-11-01 04:00", "2026-11-02 05:00"]),
        ("day", "America/Havana", "2026-11-01 05:30", ["2026-11-01 04:00", "2026-11-02 05:00"]),
        ("month", "America/Havana", "2026-11-01 05:30", ["2026-11-01 04:00", "2026-12-01 05:00"]),
    ],
)
def test_a_window_is_a_places_own(
    period: GroupPeriod, zone: str, now: str, expected: list[str]
) -> None:
    assert spelled(span(period, zone, at(now))) == expected


@given(st.floats(0, 4e9), st.sampled_from(PERIODS), st.sampled_from(ZONES))
@example(at("2010-11-07 00:00:30", "America/St_Johns"), "day", "America/St_Johns")
@example(at("2010-11-06 23:30", "America/St_Johns") + 3600, "day", "America/St_Johns")
@example(at("2018-02-17 23:30", "America/Sao_Paulo") + 3600, "day", "America/Sao_Paulo")
@example(at("2011-12-31 00:30", "Pacific/Apia"), "month", "Pacific/Apia")
def test_windows_leave_no_gap_and_do_not_overlap(
    now: float, period: GroupPeriod, zone: str
) -> None:
    here = span(period, zone, now)
    assert here.start is not None
    assert here.end is not None
    assert here.holds(now)
    assert not here.holds(here.end)
    assert span(period, zone, here.start) == here
    assert span(period, zone, here.end).start == here.end
    assert span(period, zone, here.start - 1).end == here.start
    days = (here.end - here.start) / 86_400
    assert {"day": 0.9, "week": 5.9, "month": 27.9}[period] < days
    assert days < {"day": 1.1, "week": 7.1, "month": 31.1}[period]


def test_a_budget_in_all_has_one_window() -> None:
    assert span("total", "Europe/Berlin", 0) == BudgetSpan(None, None)
    assert BudgetSpan(None, None).holds(9e9)


@given(st.floats(0, 4e9), st.sampled_from(PERIODS), st.sampled_from(ZONES))
def test_the_names_of_windows_are_in_the_order_of_time(
    now: float, period: GroupPeriod, zone: str
) -> None:
    here = span(period, zone, now)
    assert here.end is not None
    after = span(period, zone, here.end)
    one, next_one = purse_window(here, now), purse_window(after, here.end)
    assert one.earliest < one.name < next_one.earliest < next_one.name
    assert next_one.earliest <= next_one.name <= next_one.latest
    assert one.name not in (next_one.earliest, next_one.name)


def test_a_window_bears_with_clocks_and_tables_that_differ_a_little() -> None:
    now = at("2026-11-30 23:30", "Europe/Berlin")
    behind = purse_window(span("month", "Europe/Berlin", now), now)
    ahead = purse_window(span("month", "Europe/Berlin", now + 3600), now + 3600)
    assert behind.earliest <= ahead.name <= behind.latest, "begun by a clock that is ahead"
    assert not ahead.earliest <= behind.name <= ahead.latest, "a month ago is another window"
    assert (timedelta(days=1).total_seconds(), timedelta(hours=11).total_seconds()) == (SKEW, DRIFT)


@pytest.mark.parametrize(
    "name",
    ["", "Berlin", "europe/berlin", "../../etc/passwd", "/etc/localtime", "GMT+25", "a" * 300],
)
def test_only_zones_of_the_table_are_zones(name: str) -> None:
    with pytest.raises(InvalidRequest, match="time zone"):
        require_zone(name)


def test_known_zones_are_taken() -> None:
    for zone in ZONES:
        require_zone(zone)


def test_a_moment_is_told_in_the_places_time() -> None:
    assert told(at("2026-11-30 23:00"), "Europe/Berlin") == "2026-12-01T00:00:00+01:00"
