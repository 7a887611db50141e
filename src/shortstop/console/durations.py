"""Times as people write them: lengths (90s, 15m, 24h, 7d, 1.5w), dates, moments."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from shortstop.errors import ConfigError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
"""Seconds. There is no month: "m" is a minute."""
LONGEST = 100 * 365.25 * 86_400
"""A century in seconds: anything longer is a typing error, and dates beyond cannot be shown."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)

_UNIX = re.compile(r"\d{9,11}(?:\.\d{1,6})?", re.ASCII)
"""Seconds, as links between pages have them; eight digits are a date."""


def seconds_in(text: str) -> float | None:
    """The seconds of a duration such as "7d"; None when `text` is not one."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    seconds = float(match[1]) * UNITS[match[2]]
    return seconds if seconds <= LONGEST else None


def moment(text: str, now: float) -> float:
    """A date, a date and time (UTC unless it says otherwise), an age or Unix time, as Unix time in
    seconds.

    Raises ConfigError for any other text.
    """
    age = seconds_in(text)
    if age is not None:
        return now - age
    if _UNIX.fullmatch(text):
        return float(text)
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{text!r} is no time.", hint="Write 2026-11-01, 2026-11-01T08:00, 24h or 7d."
        ) from None
