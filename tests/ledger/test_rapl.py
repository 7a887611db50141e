"""Watts from the processor's own counters, where the system lets them be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.ledger.rapl import Rapl
from tests.conftest import FakeClock


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


def test_two_packages_add_up(powercap: Path, clock: FakeClock) -> None:
    second = powercap / "intel-rapl:1"
    second.mkdir()
    (second / "max_energy_range_uj").write_text("1000000000")
    (second / "energy_uj").write_text("0")
    (powercap / "intel-rapl:0:0").mkdir()
    meter = Rapl.find(clock, powercap)
    assert meter is not None
    clock.advance(1)
    (powercap / "intel-rapl:0" / "energy_uj").write_text("15000000")
    (second / "energy_uj").write_text("20000000")
    assert meter.watts() == pytest.approx(30.0)


def test_counters_that_hold_no_number_are_no_meter(powercap: Path, clock: FakeClock) -> None:
    (powercap / "intel-rapl:0" / "energy_uj").write_text("unknown")
    assert Rapl.find(clock, powercap) is None
