"""When budgets begin anew: the days, weeks and months of a place, in its own time.

A window is what lies between two midnights of the place. Where clocks skip midnight, the day begins
with the first instant that is; where they show it twice, with the first of the two. So windows
neither overlap nor leave a gap, whatever clocks do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from shortstop.errors import InvalidRequest
from shortstop.types.accounts import PurseWindow

GroupPeriod = Literal["day", "week", "month", "total"]
"""A week begins on Monday (ISO 8601)."""
SKEW = 86_400.0
"""Seconds by which another machine's clock may be ahead of ours: a budget that it has begun anew
is not begun again."""
DRIFT = 11 * 3600.0
"""Seconds by which other versions of the time zones' table may let the same window begin earlier:
less than half of the shortest day."""

_TOTAL = PurseWindow("-", "", "~")


class BudgetSpan(NamedTuple):
    """start <= t < end, Unix seconds; None on both sides: for ever."""

    start: float | None
    end: float | None

    def holds(self, now: float) -> bool:
        if self.start is None or self.end is None:
            return True
        return self.start <= now < self.end


def span(period: GroupPeriod, zone: str, now: float) -> BudgetSpan:
    """The window that contains `now` (Unix seconds) at a place, by its IANA name."""
    if period == "total":
        return BudgetSpan(None, None)
    first, after = _BEGINNINGS[period], _ENDS[period]
    place = ZoneInfo(zone)
    day = first(datetime.fromtimestamp(now, place).date())
    if _midnight(after(day), place) <= now:  # clocks went back over midnight: it is past already
        day = after(day)
    return BudgetSpan(_midnight(day, place), _midnight(after(day), place))


def purse_window(begun: BudgetSpan, now: float) -> PurseWindow:
    """The names under which stores keep that window: when it began, in UTC."""
    if begun.start is None:
        return _TOTAL
    return PurseWindow(_name(begun.start), _name(begun.start - DRIFT), _name(now + SKEW))


def require_zone(name: str) -> None:
    """Raises InvalidRequest where this machine knows no time zone of that name."""
    if name not in _zones():
        raise InvalidRequest(
            f"There is no time zone {name[:60]!r}.",
            hint="Give an IANA name, such as Europe/Berlin, America/New_York or UTC.",
            param="zone",
        )


def told(moment: float, zone: str) -> str:
    """A moment in a place's own time, such as `2026-12-01T00:00:00+01:00`."""
    return datetime.fromtimestamp(moment, ZoneInfo(zone)).isoformat(timespec="seconds")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) | {"UTC"}


def _midnight(day: date, place: ZoneInfo) -> float:
    """A skipped midnight is read by the clock before the change, which is the change's instant."""
    return datetime(day.year, day.month, day.day, tzinfo=place).timestamp()


def _name(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


_BEGINNINGS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}
_ENDS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": _next_month,
}
