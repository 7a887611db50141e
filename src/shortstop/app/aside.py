"""Work that leaves the machine to others."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from contextlib import suppress

from shortstop.errors import ConfigError

IOPRIO_IDLE = 3 << 13
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
"""Numbers of the system call ioprio_set(2)."""


def step_aside() -> None:
    """Work only where nobody else wants the processor or the disk, on one thread."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with suppress(OSError):
        os.nice(19)
    number = _IOPRIO_SET.get(platform.machine())
    if sys.platform == "linux" and number is not None:
        ctypes.CDLL(None).syscall(number, 1, 0, IOPRIO_IDLE)
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise ConfigError(
            "Learning needs the extra [learn], which is not installed.",
            hint="pip install 'shortstop[learn]', or `make learn`.",
        ) from None
    threadpool_limits(1)
