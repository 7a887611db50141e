"""What containers allow is what counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shortstop.serving.engines.machine import Machine

ALLOWED = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def system(root: Path, files: dict[str, str]) -> Machine:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Machine.look(root)


def test_the_real_machine_is_read() -> None:
    found = Machine.look()
    assert 1 <= found.cores <= found.physical <= found.logical <= found.total
    assert 0 < found.memory_free <= found.memory <= found.ram


def test_a_system_that_says_nothing(tmp_path: Path) -> None:
    found = system(tmp_path, {})
    assert (found.quota, found.ram_limit) == (None, None)
    assert found.physical == len(ALLOWED)
    assert found.memory_free == found.ram


def test_hyper_threads_are_one_core(tmp_path: Path) -> None:
    siblings = {
        f"sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list": "0-1\n" for n in ALLOWED
    }
    assert system(tmp_path, siblings).physical == 1


@pytest.mark.parametrize(
    ("said", "quota"), [("150000 100000", 1.5), ("max 100000", None), ("nonsense", None)]
)
def test_a_cpu_quota_of_version_2(tmp_path: Path, said: str, quota: float | None) -> None:
    assert system(tmp_path, {"sys/fs/cgroup/cpu.max": said}).quota == quota


def test_the_tightest_group_on_the_way_up_counts(tmp_path: Path) -> None:
    found = system(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pod/container\n",
            "proc/meminfo": "MemTotal: 9000000 kB\nMemAvailable: 4000000 kB\n",
            "sys/fs/cgroup/pod/cpu.max": "50000 100000",
            "sys/fs/cgroup/pod/container/cpu.max": "400000 100000",
            "sys/fs/cgroup/pod/memory.max": "2000000000",
            "sys/fs/cgroup/pod/memory.current": "500000000",
            "sys/fs/cgroup/pod/container/memory.max": "max",
        },
    )
    assert found.quota == 0.5
    assert found.cores == found.spare_cores == 1
    assert found.memory == found.ram_limit == 2_000_000_000
    assert found.memory_free == 1_500_000_000


def test_version_1(tmp_path: Path) -> None:
    found = system(
        tmp_path,
        {
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000000",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "400000000",
        },
    )
    assert (found.quota, found.ram_limit, found.memory_free) == (2.0, 10**9, 600_000_000)


def test_no_limit_in_version_1_is_a_huge_number(tmp_path: Path) -> None:
    path = "sys/fs/cgroup/memory/memory.limit_in_bytes"
    assert system(tmp_path, {path: "9223372036854771712"}).ram_limit is None
