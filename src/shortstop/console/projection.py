"""What a month will have cost, if it goes on as in the last days."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import Struct

from shortstop.types.console import Days

DAY = 86_400
LOOK_BACK = 7
"""Whole days whose mean the coming ones are taken to cost."""


class Month(Struct, frozen=True):
    """US dollars: spent since the first of this UTC month, and by its end at this pace."""

    spent: Decimal
    projected: Decimal


def days_of(now: float) -> Days:
    """The days of which `projected` wants to know the costs: this month's until now, and those of
    the look-back."""
    today = int(now // DAY)
    return Days(min(_first(now), today - LOOK_BACK), today + 1)


def projected(costs: Mapping[int, Decimal], now: float) -> Month:
    """From the cost of each day (counted from 1970) that had any. A day before the first one that
    had is no day of the mean: a gateway that began yesterday was not cheap last week."""
    today = int(now // DAY)
    spent = sum((cost for day, cost in costs.items() if day >= _first(now)), Decimal(0))
    before = range(max(today - LOOK_BACK, min(costs, default=today)), today)
    if not before:
        return Month(spent, spent)
    mean = sum((costs.get(day, Decimal(0)) for day in before), Decimal(0)) / len(before)
    rest_of_today = max(Decimal(0), mean - costs.get(today, Decimal(0)))
    return Month(spent, spent + rest_of_today + mean * (_end(now) - today - 1))


def _first(now: float) -> int:
    date = datetime.fromtimestamp(now, UTC)
    return int(now // DAY) - date.day + 1


def _end(now: float) -> int:
    date = datetime.fromtimestamp(now, UTC)
    return _first(now) + monthrange(date.year, date.month)[1]
