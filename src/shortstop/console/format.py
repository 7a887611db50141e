"""Figures as people read them: money, shares, times, energy. For pages and for the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from shortstop.types import Span

UNKNOWN = "–"
JOULES_PER_WH = 3600


def usd(amount: Decimal | float) -> str:
    """US dollars with as many digits as matter: $12,345, $12.35, $0.50, $0.0123, $0.000123."""
    value = Decimal(amount)
    size = abs(value)
    sign = "-" if value < 0 else ""
    if size >= 1000:
        return f"{sign}${size:,.0f}"
    if size == 0:
        return "$0"
    digits = 2 if size >= Decimal("0.1") else min(9, 2 - size.adjusted())
    return f"{sign}${size:.{digits}f}"


def axis_usd(value: float) -> str:
    """A round amount with no more digits than it needs: $2, $0.50, $0.0005."""
    text = f"{Decimal(repr(value)).normalize():f}"
    whole, _, rest = text.partition(".")
    return f"${int(whole):,}" + (f".{rest.ljust(2, '0')}" if rest else "")


def many(count: int, noun: str) -> str:
    """So many of a thing, in English: 1 row, 1,060 rows."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def share(value: float | None) -> str:
    """A fraction of 1 as a whole percentage; a dash for None."""
    if value is None:
        return UNKNOWN
    return "0%" if abs(value) < 0.005 else f"{value:.0%}"


def seconds(value: float | None) -> str:
    """Milliseconds below one second; a dash for None."""
    if value is None:
        return UNKNOWN
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def energy(joules: float) -> str:
    """Watt-hours, kilowatt-hours from 1,000 of them."""
    wh = joules / JOULES_PER_WH
    if wh >= 100_000:
        return f"{wh / 1000:,.0f} kWh"
    return f"{wh / 1000:,.1f} kWh" if wh >= 1000 else f"{wh:.3g} Wh"


def span(value: Span) -> str:
    """The range of an energy, in joules, from its low to its high estimate."""
    return f"{energy(value.low)} to {energy(value.high)}"


def grams(value: float) -> str:
    """A mass in grams, in kilograms from 1,000 of them."""
    return f"{value / 1000:,.1f} kg" if value >= 1000 else f"{value:.3g} g"


def timestamp(unix: float) -> str:
    """Date and minute in UTC."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M")
