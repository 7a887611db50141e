"""The machine's month, its watts, and when it pays for itself."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from shortstop.config import HardwareConfig
from shortstop.ledger import energy
from shortstop.ledger.hardware import MachineCost
from shortstop.ledger.rapl import Rapl
from shortstop.types import Span
from tests.conftest import FakeClock

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


# ---------------------------------------------------------------- the energy table


def test_a_known_model_has_its_own_line_and_an_unknown_one_its_price_bands() -> None:
    table = energy.load()
    assert (
        table.line(("anthropic/claude-opus-5-5",), 20.0)
        == table.models["anthropic/claude-opus-5-5"]
    )
    cheap, dear = table.line(("x",), 0.5), table.line(("x",), 20.0)
    assert cheap == table.bands[0].line
    assert cheap.high < dear.high
    assert table.line(("x",), None) == table.anything
    assert table.line(("x",), 1e6) == table.bands[-1].line


def test_every_line_of_the_table_is_ordered() -> None:
    table = energy.load()
    lines = [*table.models.values(), *(b.line for b in table.bands), table.anything]
    for line in lines:
        for tokens in (0, 10, 1000):
            span = line.joules(tokens)
            assert 0 <= span.low <= span.value <= span.high, line


def test_totals_keep_their_basis() -> None:
    measured, modelled = Span(1, 1, 1, "measured"), Span(2, 1, 3, "modelled")
    assert energy.plus(measured, Span()) == measured
    assert energy.plus(measured, modelled) == Span(3, 2, 4, "modelled")
    assert energy.plus(Span(), modelled) == modelled


# ---------------------------------------------------------------- RAPL


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    package = tmp_path / "intel-rapl:0"
    package.mkdir()
    (package / "max_energy_range_uj").write_text("1000000000\n")
    (package / "energy_uj").write_text("5000000\n")
    return tmp_path


def test_rapl_gives_mean_watts(powercap: Path, clock: FakeClock) -> None:
    meter = Rapl.find(clock, powercap)
    assert meter is not None
    assert meter.watts() is None
    clock.advance(2)
    (powercap / "intel-rapl:0" / "energy_uj").write_text("65000000")
    assert meter.watts() == pytest.approx(30.0)
    clock.advance(0.5)
    assert meter.watts() == pytest.approx(30.0)


def test_rapl_counters_wrap_around(powercap: Path, clock: FakeClock) -> None:
    meter = Rapl.find(clock, powercap)
    assert meter is not None
    clock.advance(1)
    (powercap / "intel-rapl:0" / "energy_uj").write_text("1000000")
    assert meter.watts() == pytest.approx(996.0)


def test_no_meter_where_there_is_none(tmp_path: Path, clock: FakeClock) -> None:
    assert Rapl.find(clock, tmp_path) is None
    assert Rapl.find(clock, tmp_path / "absent") is None


def test_a_meter_that_breaks_says_unknown(powercap: Path, clock: FakeClock) -> None:
    meter = Rapl.find(clock, powercap)
    assert meter is not None
    (powercap / "intel-rapl:0" / "energy_uj").unlink()
    clock.advance(2)
    assert meter.watts() is None
