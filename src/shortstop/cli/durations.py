"""Lengths of time as people write them: 90s, 15m, 24h, 7d, 1.5w."""

from __future__ import annotations

import re

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
"""Seconds. There is no month: "m" is a minute."""
LONGEST = 100 * 365.25 * 86_400
"""A century in seconds: anything longer is a typing error, and dates beyond cannot be shown."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)


def seconds_in(text: str) -> float | None:
    """The seconds of a duration such as "7d"; None when `text` is not one."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    seconds = float(match[1]) * UNITS[match[2]]
    return seconds if seconds <= LONGEST else None
