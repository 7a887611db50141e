"""Days and times of day as people write them, in English and Portuguese.

What depends on the day on which it is said is read only where that day is known, and where there
is one reading of it.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = {
    "jan": 1, "feb": 2, "fev": 2, "mar": 3, "apr": 4, "abr": 4, "may": 5, "mai": 5, "jun": 6,
    "jul": 7, "aug": 8, "ago": 8, "sep": 9, "set": 9, "oct": 10, "out": 10, "nov": 11, "dec": 12,
    "dez": 12,
}  # fmt: skip
_DAYS = {
    "mon": 0, "seg": 0, "tue": 1, "ter": 1, "wed": 2, "qua": 2, "thu": 3, "qui": 3, "fri": 4,
    "sex": 4, "sat": 5, "sáb": 5, "sun": 6, "dom": 6,
}  # fmt: skip
_AHEAD = {
    "today": 0, "hoje": 0, "tonight": 0, "tomorrow": 1, "amanhã": 1, "amanha": 1,
    "the day after tomorrow": 2, "day after tomorrow": 2, "depois de amanhã": 2,
}  # fmt: skip
_MONTH = r"(?P<month>[a-zç]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|º)?"
_YEAR = r"(?:,?\s*(?:de\s+)?(?P<year>\d{4}))?"
_NAMED = (
    re.compile(rf"(?:the\s+|dia\s+)?{_DAY}\s+(?:of\s+|de\s+)?{_MONTH}{_YEAR}"),
    re.compile(rf"{_MONTH}\s+(?:the\s+)?{_DAY}{_YEAR}"),
)
_FIGURES = re.compile(r"(\d{1,4})[./\-](\d{1,2})(?:[./\-](\d{2,4}))?")
_WEEKDAY = re.compile(
    r"(?P<next>next\s+|this\s+|on\s+|na\s+|no\s+|próxim[ao]\s+)?(?P<day>[a-zá]+)(?:-feira|s-feira)?"
)
_CLOCK = re.compile(
    r"(?:at\s+|às\s+)?(\d{1,2})(?:\s*(?:[:.h])\s*(\d{2}))?\s*(h|a\.?m\.?|p\.?m\.?|o'clock|horas)?"
)
_NOON = {
    "noon": "12:00",
    "midday": "12:00",
    "meio-dia": "12:00",
    "midnight": "00:00",
    "meia-noite": "00:00",
}


def day(span: str, order: str, today: date | None) -> date | None:
    """`order` is "dmy" or "mdy", for figures alone. A day without a year is the next one."""
    words = re.sub(r"\s+", " ", span.strip().lower()).strip(" ,.")
    if words in _AHEAD:
        return today + timedelta(days=_AHEAD[words]) if today else None
    for pattern in _NAMED:
        match = pattern.fullmatch(words)
        if match and match["month"][:3] in _MONTHS:
            return _day(match["year"], _MONTHS[match["month"][:3]], int(match["day"]), today)
    match = _FIGURES.fullmatch(words)
    return _figures(match.groups(), order, today) if match else _weekday(words, today)


def _figures(parts: tuple[str | None, ...], order: str, today: date | None) -> date | None:
    first, second, third = parts
    assert first is not None
    assert second is not None
    if len(first) == 4:
        return _day(first, int(second), int(third), today) if third else None
    if len(first) > 2:
        return None
    a, b = (int(second), int(first)) if order == "dmy" else (int(first), int(second))
    year = f"20{third}" if third and len(third) == 2 else third
    return _day(year, a, b, today)


def _day(year: str | None, month: int, number: int, today: date | None) -> date | None:
    try:
        if year:
            return date(int(year), month, number)
        if today is None:
            return None
        soon = date(today.year, month, number)
        return soon if soon >= today else date(today.year + 1, month, number)
    except ValueError:
        return None


def _weekday(words: str, today: date | None) -> date | None:
    """The next such day; where "next" could mean the week after, none."""
    match = _WEEKDAY.fullmatch(words)
    if match is None or today is None or match["day"][:3] not in _DAYS:
        return None
    number = _DAYS[match["day"][:3]]
    ahead = (number - today.weekday() - 1) % 7 + 1
    if (match["next"] or "").startswith(("next", "próxim")) and number > today.weekday():
        return None
    return today + timedelta(days=ahead)


def clock(span: str) -> str | None:
    """HH:MM of 24 hours; None for a bare figure that could be anything."""
    words = re.sub(r"\s+", " ", span.strip().lower())
    if words in _NOON:
        return _NOON[words]
    match = _CLOCK.fullmatch(words)
    if match is None or not (match[2] or match[3]):
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").replace(".", "")
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None
