"""Watts of this machine's processor packages, read from Linux's powercap (Intel and AMD RAPL).

Where the counters cannot be read (most virtual machines, non-root since Linux 5.10) there is no
meter, and joules stay "modelled". RAPL covers the processor and often memory, not disks, fans or
the losses of the power supply, and it covers every process on the machine.
"""

from __future__ import annotations

from pathlib import Path

from shortstop.ports import Clock

POWERCAP = Path("/sys/class/powercap")
_WINDOW_SECONDS = 1.0


class Rapl:
    """Mean watts over the last second or more. A reading costs one small file per package."""

    def __init__(self, packages: tuple[Path, ...], clock: Clock) -> None:
        self._packages = packages
        self._ranges = [_number(p / "max_energy_range_uj") for p in packages]
        self._clock = clock
        self._at = clock.monotonic()
        self._last = self._counters()
        self._watts: float | None = None

    @classmethod
    def find(cls, clock: Clock, root: Path = POWERCAP) -> Rapl | None:
        """The meter of this machine, or None where the counters are absent or not readable."""
        packages = tuple(sorted(root.glob("intel-rapl:[0-9]"))) if root.is_dir() else ()
        try:
            return cls(packages, clock) if packages else None
        except (OSError, ValueError):
            return None

    def watts(self) -> float | None:
        """Mean watts; None until a second has passed, or when the counters became unreadable."""
        now = self._clock.monotonic()
        if now - self._at < _WINDOW_SECONDS:
            return self._watts
        try:
            counters = self._counters()
        except (OSError, ValueError):
            self._watts = None
            return None
        used = sum(
            after - before if after >= before else after - before + top
            for before, after, top in zip(self._last, counters, self._ranges, strict=True)
        )
        self._watts = used / 1e6 / (now - self._at)
        self._at, self._last = now, counters
        return self._watts

    def _counters(self) -> list[int]:
        return [_number(package / "energy_uj") for package in self._packages]


def _number(path: Path) -> int:
    return int(path.read_text())
