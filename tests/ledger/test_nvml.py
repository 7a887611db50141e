"""Watts of GPUs from a library like NVML: counters, the power of the moment, and what fails."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from shortstop.app.books import SumOfMeters
from shortstop.ledger.nvml import Nvml
from tests.conftest import FakeClock


class NVMLError(Exception):
    pass


class Gpu:
    """`millijoules` None: it has no counter; `milliwatts` None: it does not tell its power."""

    def __init__(self, millijoules: float | None, milliwatts: float | None = None) -> None:
        self.millijoules = millijoules
        self.milliwatts = milliwatts


class Library:
    """What Nvml uses of pynvml."""

    NVMLError = NVMLError

    def __init__(self, *gpus: Gpu, driver: bool = True) -> None:
        self.gpus = gpus
        self.driver = driver

    def nvmlInit(self) -> None:
        if not self.driver:
            raise NVMLError("no driver")

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, number: int) -> Gpu:
        return self.gpus[number]

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: Gpu) -> float:
        return self._told(gpu.millijoules)

    def nvmlDeviceGetPowerUsage(self, gpu: Gpu) -> float:
        return self._told(gpu.milliwatts)

    def _told(self, value: float | None) -> float:
        if value is None:
            raise NVMLError("not supported")
        return value


def test_counters_give_mean_watts_of_all_gpus(clock: FakeClock) -> None:
    one, other = Gpu(1_000_000), Gpu(5_000)
    meter = Nvml.find(clock, Library(one, other))
    assert meter is not None
    assert meter.watts() is None
    clock.advance(2)
    one.millijoules, other.millijoules = 1_600_000, 105_000
    assert meter.watts() == pytest.approx((600 + 100) / 2)
    clock.advance(0.5)
    one.millijoules = 9_000_000
    assert meter.watts() == pytest.approx(350)  # not read again within a second


def test_a_gpu_without_a_counter_tells_its_power(clock: FakeClock) -> None:
    old = Gpu(None, 70_000)
    meter = Nvml.find(clock, Library(Gpu(0), old, Gpu(None)))
    assert meter is not None
    clock.advance(1)
    assert meter.watts() == pytest.approx(70)
    old.milliwatts = None
    clock.advance(1)
    assert meter.watts() is None


def test_a_counter_that_starts_anew_or_fails_is_unknown_once(clock: FakeClock) -> None:
    gpu = Gpu(10_000)
    meter = Nvml.find(clock, Library(gpu))
    assert meter is not None
    seen = []
    for counter in (0, 1_000_000, None, 2_000_000, 3_000_000):
        clock.advance(1)
        gpu.millijoules = counter
        seen.append(meter.watts())
    assert seen == [None, pytest.approx(1000), None, None, pytest.approx(1000)]


@pytest.mark.parametrize("library", [Library(), Library(Gpu(None)), Library(Gpu(1), driver=False)])
def test_where_no_gpu_tells_there_is_no_meter(clock: FakeClock, library: Library) -> None:
    assert Nvml.find(clock, library) is None


def test_without_the_package_there_is_no_meter(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pynvml":
            raise ImportError(name)
        return ordinary(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert Nvml.find(clock) is None


def test_meters_add_up_and_an_unknown_one_leaves_all_unknown() -> None:
    class Says:
        def __init__(self, watts: float | None) -> None:
            self._watts = watts

        def watts(self) -> float | None:
            return self._watts

    assert SumOfMeters([Says(30.0), Says(200.0)]).watts() == 230
    assert SumOfMeters([Says(30.0), Says(None)]).watts() is None
