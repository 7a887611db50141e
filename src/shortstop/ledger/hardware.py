"""What the local machine costs, by the second of a busy slot, and when it pays for itself.

month = price / (12 x years) + upkeep + watts x PUE x 730 h x price per kWh + care. A month's cost
is spread over the slot-seconds that are busy at the configured utilisation, so that a request pays
for its share of the idle hours too. Seconds are those of the attempt, time in the engine's queue
included: under load the figure is an upper bound.
"""

from __future__ import annotations

from decimal import Decimal

from shortstop.config import HardwareConfig
from shortstop.types import Basis, Span

HOURS_PER_MONTH = 730
DAYS_PER_MONTH = Decimal(HOURS_PER_MONTH) / 24
_SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600


def exact(value: float) -> Decimal:
    """The number as it is written, not as it is stored."""
    return Decimal(repr(value))


class MachineCost:
    """The configured [hardware], as money and energy."""

    def __init__(self, hardware: HardwareConfig) -> None:
        self._hardware = hardware
        self._busy_seconds = exact(hardware.utilisation) * _SECONDS_PER_MONTH
        self.running_usd_per_month = self._running()
        self.usd_per_month = self._worn() + self.running_usd_per_month
        self.usd_per_busy_second = self.usd_per_month / self._busy_seconds

    def _worn(self) -> Decimal:
        return exact(self._hardware.price_usd) / (12 * exact(self._hardware.years))

    def _running(self) -> Decimal:
        """Without what it cost to buy."""
        h = self._hardware
        upkeep = exact(h.price_usd) * exact(h.upkeep_per_year) / 12
        return upkeep + exact(h.care_usd_per_month) + self._energy()

    def _energy(self) -> Decimal:
        h = self._hardware
        idle, busy = exact(h.watts_idle), exact(h.watts_busy)
        watts = idle + (busy - idle) * exact(h.utilisation)
        return watts / 1000 * exact(h.pue) * HOURS_PER_MONTH * exact(h.usd_per_kwh)

    def cost(self, seconds: float, slots: int) -> Decimal:
        """US dollars for an attempt of so many seconds in one of `slots` slots."""
        return self.usd_per_busy_second * exact(seconds) / slots

    def joules(self, seconds: float, slots: int, measured_watts: float | None = None) -> Span:
        """Energy of an attempt of so many seconds in one of `slots` slots.

        value: busy watts and its share of the idle hours; low: only what being busy adds;
        high: its share of the idle hours if the machine were half as busy as configured. Basis
        "measured" when the busy watts are, else "modelled" from the configured watts.
        """
        h = self._hardware
        busy = h.watts_busy if measured_watts is None else measured_watts
        idle = min(h.watts_idle, busy)
        share = seconds * h.pue / slots
        idle_hours = 1 / h.utilisation - 1
        basis: Basis = "modelled" if measured_watts is None else "measured"
        return Span(
            value=share * (busy + idle * idle_hours),
            low=share * (busy - idle),
            high=share * (busy + idle * (2 / h.utilisation - 1)),
            basis=basis,
        )

    def break_even(self, avoided: Decimal, care: Decimal = Decimal(0)) -> Decimal | None:
        """Requests a day from which the machine, and so much care a month, pays for itself; None:
        never.

        `avoided` is the remote cost in US dollars that a request saves, averaged over all requests,
        escalated ones included.
        """
        month = self.usd_per_month + care
        return month / (DAYS_PER_MONTH * avoided) if avoided > 0 else None
