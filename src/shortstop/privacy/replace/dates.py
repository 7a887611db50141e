"""Dates moved by a number of days and written as they were written."""

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
    """`value` that many days earlier. What is no date in a known form loses whole years."""
    for way in (_iso, _short, _day_first, _month_first):
        try:
            made = way(value, timedelta(days=days))
        except (ValueError, OverflowError):
            continue
        if made is not None:
            return made
    return _YEAR.sub(lambda m: str(int(m.group()) - max(1, days // 365)), value)


def _iso(value: str, by: timedelta) -> str | None:
    if (m := _ISO.fullmatch(value)) is None:
        return None
    then = date(int(m[1]), int(m[3]), int(m[4])) - by
    return f"{then.year}{m[2]}{then.month:02d}{m[2]}{then.day:02d}"


def _short(value: str, by: timedelta) -> str | None:
    """Day first, as most of the world has it, unless only month first makes sense."""
    if (m := _SHORT.fullmatch(value)) is None:
        return None
    one, two = int(m[1]), int(m[3])
    year = int(m[4]) if len(m[4]) == 4 else 1900 + int(m[4])
    day, month = (two, one) if two > 12 else (one, two)
    then = date(year, month, day) - by
    first, second = (then.month, then.day) if two > 12 else (then.day, then.month)
    told = f"{then.year}" if len(m[4]) == 4 else f"{then.year % 100:02d}"
    return f"{first:02d}{m[2]}{second:02d}{m[2]}{told}"


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


def _month(said: str) -> int | None:
    found = [i for i, name in enumerate(_MONTHS, 1) if name.startswith(said.lower())]
    return found[0] if len(found) == 1 else None


def _like(said: str, month: int) -> str:
    name = _MONTHS[month - 1]
    name = name if len(said) > 3 else name[:3]
    return name.upper() if said.isupper() else name.title() if said[0].isupper() else name
