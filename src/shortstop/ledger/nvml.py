"""Watts of this machine's NVIDIA GPUs, read by NVML, the library of their driver.

Needs the package nvidia-ml-py (the extra `[gpu]`), which is imported only here; without it, without
a driver or without leave to read there is no meter, and joules stay as they were. It covers every
process on the GPUs, and not what feeds and cools them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from shortstop.ports import Clock

_WINDOW_SECONDS = 1.0


class Nvml:
    """Mean watts over the last second or more, of all GPUs that tell. Energy counters are read
    where a GPU has them (since Volta), else the power of the moment."""

    def __init__(self, library: Any, gpus: tuple[Any, ...], clock: Clock) -> None:
        self._library = library
        self._clock = clock
        self._counting = tuple(gpu for gpu in gpus if self._millijoules(gpu) is not None)
        self._others = tuple(gpu for gpu in gpus if gpu not in self._counting)
        self._at = clock.monotonic()
        self._last = self._read()
        self._watts: float | None = None

    @classmethod
    def find(cls, clock: Clock, library: Any = None) -> Nvml | None:
        """The meter of this machine's GPUs; None where none can be read."""
        library = library or _installed()
        if library is None:
            return None
        with suppress(library.NVMLError):
            library.nvmlInit()
            count = library.nvmlDeviceGetCount()
            gpus = tuple(library.nvmlDeviceGetHandleByIndex(n) for n in range(count))
            told = [gpu for gpu in gpus if _tells(library, gpu)]
            if told:
                return cls(library, tuple(told), clock)
        return None

    def watts(self) -> float | None:
        """Mean watts; None until a second has passed, or when a GPU has become unreadable."""
        now = self._clock.monotonic()
        if now - self._at < _WINDOW_SECONDS:
            return self._watts
        counted, seconds = self._read(), now - self._at
        self._watts = self._mean(counted, seconds)
        self._at, self._last = now, counted
        return self._watts

    def _mean(self, counted: float | None, seconds: float) -> float | None:
        if counted is None or self._last is None or counted < self._last:  # a driver loaded anew
            return None
        drawn = [self._milliwatts(gpu) for gpu in self._others]
        known = [one for one in drawn if one is not None]
        if len(known) < len(drawn):
            return None
        return ((counted - self._last) / seconds + sum(known)) / 1000

    def _read(self) -> float | None:
        counts = [self._millijoules(gpu) for gpu in self._counting]
        known = [one for one in counts if one is not None]
        return sum(known) if len(known) == len(counts) else None

    def _millijoules(self, gpu: Any) -> float | None:
        with suppress(self._library.NVMLError):
            return float(self._library.nvmlDeviceGetTotalEnergyConsumption(gpu))
        return None

    def _milliwatts(self, gpu: Any) -> float | None:
        with suppress(self._library.NVMLError):
            return float(self._library.nvmlDeviceGetPowerUsage(gpu))
        return None


def _installed() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml


def _tells(library: Any, gpu: Any) -> bool:
    for read in (library.nvmlDeviceGetTotalEnergyConsumption, library.nvmlDeviceGetPowerUsage):
        with suppress(library.NVMLError):
            read(gpu)
            return True
    return False
