"""The cores and the memory that this process may use, container limits included."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

UNLIMITED = 1 << 60
"""cgroup v1 writes a huge number where there is no limit."""


class Machine(Struct, frozen=True):
    """Cores and bytes of memory. None: there is no such limit, or none is known.

    `logical` and `physical` cores are those that this process may run on; `quota` is the CPU time
    that its control group allows, in cores.
    """

    total: int
    logical: int
    physical: int
    quota: float | None
    ram: int
    ram_limit: int | None
    ram_free: int

    @property
    def cores(self) -> int:
        """Cores worth computing on: hyper-threads add nothing, and a quota throttles."""
        return max(1, self.physical if self.quota is None else min(self.physical, int(self.quota)))

    @property
    def spare_cores(self) -> int:
        """One fewer, where there is more than one: it is left to the gateway and other processes.

        A llama.cpp thread that loses its core keeps all others waiting: with as many threads as
        cores, one other busy process costs several times the speed (docs/lab.md).
        """
        return max(1, self.cores - 1)

    @property
    def memory(self) -> int:
        """The most bytes that a process may have."""
        return self.ram if self.ram_limit is None else min(self.ram, self.ram_limit)

    @property
    def memory_free(self) -> int:
        return min(self.ram_free, self.memory)

    @staticmethod
    def look(root: Path = Path("/")) -> Machine:
        """Read the system's files below `root`; what they do not say is taken from the OS."""
        allowed = _allowed()
        groups = list(_groups(root))
        ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        limits = [limit for group in groups if (limit := _memory_limit(group)) is not None]
        free = [f for group in groups if (f := _memory_left(group)) is not None]
        quotas = [quota for group in groups if (quota := _quota(group)) is not None]
        return Machine(
            total=os.cpu_count() or 1,
            logical=len(allowed),
            physical=_physical(root, allowed),
            quota=min(quotas, default=None),
            ram=ram,
            ram_limit=min(limits, default=None),
            ram_free=min(_available(root, ram), *free, ram),
        )


def cpu_info(key: str) -> str:
    """What Linux says of the processor under `key`; "" elsewhere."""
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return ""


def processor() -> str:
    """The processor's name and abilities: what is the same runs the same code."""
    name = cpu_info("model name") or platform.processor() or platform.machine()
    return f"{name} {cpu_info('flags') or cpu_info('Features')}".strip()


def _allowed() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _physical(root: Path, allowed: set[int]) -> int:
    """Cores, not threads: the threads of one core name the same siblings."""
    cpus = root / "sys/devices/system/cpu"
    siblings = {
        _text(cpus / f"cpu{number}/topology/thread_siblings_list") or str(number)
        for number in allowed
    }
    return max(1, len(siblings))


def _available(root: Path, otherwise: int) -> int:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return otherwise


def _groups(root: Path) -> Iterator[Path]:
    """Folders of our control group and its parents, innermost first, then cgroup v1's."""
    base = root / "sys/fs/cgroup"
    inside = next(
        (
            line[3:].strip("/")
            for line in _text(root / "proc/self/cgroup").splitlines()
            if line.startswith("0::")
        ),
        "",
    )
    folder = base / inside
    while folder != base:
        yield folder
        folder = folder.parent
    yield base
    yield base / "cpu"
    yield base / "memory"


def _quota(group: Path) -> float | None:
    fields = _text(group / "cpu.max").split()
    if len(fields) == 2 and fields[0].isdigit():
        return int(fields[0]) / max(1, int(fields[1]))
    quota, period = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
    return quota / period if quota and period else None


def _memory_limit(group: Path) -> int | None:
    limit = _number(group / "memory.max") or _number(group / "memory.limit_in_bytes")
    return limit if limit and limit < UNLIMITED else None


def _memory_left(group: Path) -> int | None:
    limit = _memory_limit(group)
    used = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes")
    return max(0, limit - used) if limit is not None and used is not None else None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
