"""The machine's month, its watts, and when it pays for itself."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shortstop.config import HardwareConfig
from shortstop.ledger.hardware import MachineCost

# A workstation with a GPU: $8,000 over 4 years, 10% upkeep, 500 W at PUE 1.2, $0.15/kWh.
WORKSTATION = HardwareConfig(
    price_usd=8000,
    years=4,
    upkeep_per_year=0.1,
    watts_idle=500,
    watts_busy=500,
    pue=1.2,
    usd_per_kwh=0.15,
)


def test_a_workstation_costs_299_dollars_a_month() -> None:
    assert round(MachineCost(WORKSTATION).usd_per_month) == 299


def test_a_month_of_busy_seconds_costs_the_month() -> None:
    machine = MachineCost(HardwareConfig(utilisation=0.3))
    seconds = 0.3 * 730 * 3600
    assert float(machine.cost(seconds, 1)) == pytest.approx(float(machine.usd_per_month))


def test_a_month_of_joules_is_the_months_energy() -> None:
    hardware = HardwareConfig(utilisation=0.3, watts_idle=20, watts_busy=65, pue=1.2)
    found = MachineCost(hardware).joules(0.3 * 730 * 3600, 1)
    mean_watts = (0.3 * 65 + 0.7 * 20) * 1.2
    assert found.value == pytest.approx(mean_watts * 730 * 3600)
    assert found.low < found.value < found.high
    assert found.basis == "modelled"


def test_break_even() -> None:
    machine = MachineCost(HardwareConfig())
    a_day = machine.break_even(Decimal("0.01"))
    assert a_day is not None
    assert float(a_day * 730 / 24) * 0.01 == pytest.approx(float(machine.usd_per_month))
    assert machine.break_even(Decimal(0)) is None
    assert machine.break_even(Decimal("-0.1")) is None
