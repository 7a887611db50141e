"""Dates moved by a number of days, in the format they were written in."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_SHORT = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?(\.? (?:of )?)([A-Za-z]{3,9})(\.?,? )(\d{4})")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})(\.? )(\d{1,2})(?:st|nd|rd|th)?(,? )(\d{4})")
_YEAR = re.compile(r"(?:18|19|20)\d{2}")


def moved(value: str, days: int) -> str:
    """The date `value`, `days` earlier. In a value of no known format the years are moved."""
    for as_format in (_iso, _short, _day_first, _month_first):
        try:
            earlier = as_format(value, timedelta(days=days))
        except (ValueError, OverflowError):
            continue
        if earlier is not None:
            return earlier
    return _YEAR.sub(lambda m: str(int(m.group()) - max(1, days // 365)), value)


def _iso(value: str, by: timedelta) -> str | None:
    if (m := _ISO.fullmatch(value)) is None:
        return None
    then = date(int(m[1]), int(m[3]), int(m[4])) - by
    return f"{then.year}{m[2]}{then.month:02d}{m[2]}{then.day:02d}"


def _short(value: str, by: timedelta) -> str | None:
    """Day first, as in most of the world, unless only month first is a date."""
    if (m := _SHORT.fullmatch(value)) is None:
        return None
    one, two = int(m[1]), int(m[3])
    year = int(m[4]) if len(m[4]) == 4 else 1900 + int(m[4])
    day, month = (two, one) if two > 12 else (one, two)
    then = date(year, month, day) - by
    first, second = (then.month, then.day) if two > 12 else (then.day, then.month)
    new_year = f"{then.year}" if len(m[4]) == 4 else f"{then.year % 100:02d}"
    return f"{first:02d}{m[2]}{second:02d}{m[2]}{new_year}"


def _day_first(value: str, by: timedelta) -> str | None:
    if (m := _DAY_FIRST.fullmatch(value)) is None or (month := _month(m[3])) is None:
        return None
    then = date(int(m[5]), month, int(m[1])) - by
    return f"{then.day}{m[2]}{_like(m[3], then.month)}{m[4]}{then.year}"


def _month_first(value: str, by: timedelta) -> str | None:
    if (m := _MONTH_FIRST.fullmatch(value)) is None or (month := _month(m[1])) is None:
        return None
    then = date(int(m[5]), month, int(m[3])) - by
    return f"{_like(m[1], then.month)}{m[2]}{then.day}{m[4]}{then.year}"


def _month(name: str) -> int | None:
    """1 to 12 for a month's name or an unambiguous abbreviation."""
    months = [i for i, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())]
    return months[0] if len(months) == 1 else None


def _like(original: str, month: int) -> str:
    """A month's name as long, and in the same case, as `original`."""
    name = _MONTHS[month - 1]
    name = name if len(original) > 3 else name[:3]
    return name.upper() if original.isupper() else name.title() if original[0].isupper() else name
