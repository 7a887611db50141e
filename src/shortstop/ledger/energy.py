"""Energy and carbon, each with error bars and the basis of the estimate.

Remote figures are modelled after EcoLogits (data/energy-DATE.json, made by
scripts/build_energy.py): watt-hours as a line over output tokens. Input tokens are not counted,
and the sizes of closed models are guesses with ranges. A model that the table does not list gets
the bars (10th to 90th percentile) of the listed models in its price band. Grid factors are
averages without bars of their own.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from shortstop.types import Span, Usage

JOULES_PER_WH = 3600.0
JOULES_PER_KWH = 3_600_000.0

_EDITION = "energy-2026-11-23.json"


class Line(Struct, frozen=True, omit_defaults=True):
    """Watt-hours of an answer: base + slope x tokens, each low and high.

    The value between them is the middle, or `centre` (base, slope) where the bars are far apart.
    """

    low: float
    high: float
    base_low: float = 0.0
    base_high: float = 0.0
    centre: tuple[float, float] | None = None

    def joules(self, tokens: int) -> Span:
        """Joules of an answer of so many output tokens."""
        low = (self.base_low + self.low * tokens) * JOULES_PER_WH
        high = (self.base_high + self.high * tokens) * JOULES_PER_WH
        value = (low + high) / 2
        if self.centre is not None:
            value = (self.centre[0] + self.centre[1] * tokens) * JOULES_PER_WH
        return Span(value, low, high, "modelled")


class Band(Struct, frozen=True):
    """The models whose output costs at most `below` US dollars per million tokens (None: any)."""

    below: float | None
    models: int
    line: Line


class EnergyTable(Struct, frozen=True):
    """The committed table: a line for each model, for each price band, and for all together."""

    date: date
    source: str
    licence: str
    models: dict[str, Line]
    bands: tuple[Band, ...]
    anything: Line

    def line(self, names: tuple[str, ...], output_price: float | None) -> Line:
        """By name, else by price (US dollars per million output tokens), else of all models."""
        for name in names:
            if (line := self.models.get(name.lower())) is not None:
                return line
        if output_price is not None:
            for band in self.bands:
                if band.below is None or output_price <= band.below:
                    return band.line
        return self.anything


@cache
def load() -> EnergyTable:
    """The newest table."""
    data = (resources.files(__package__) / "data" / _EDITION).read_bytes()
    return msgspec.json.decode(data, type=EnergyTable)


def remote_joules(line: Line, usage: Usage) -> Span:
    """Joules that a vendor's model took for this usage."""
    return line.joules(usage.completion)


def plus(one: Span, other: Span) -> Span:
    """The sum. Bars add up: the errors of one model's estimates are not independent."""
    if other.basis == "none":
        return one
    if one.basis == "none":
        return other
    return Span(
        one.value + other.value,
        one.low + other.low,
        one.high + other.high,
        one.basis if one.basis == other.basis else "modelled",
    )


def carbon(joules: Span, gco2_per_kwh: float) -> Span:
    """Grams of CO2 equivalent, on a grid with that carbon intensity."""
    factor = gco2_per_kwh / JOULES_PER_KWH
    return Span(joules.value * factor, joules.low * factor, joules.high * factor, joules.basis)
