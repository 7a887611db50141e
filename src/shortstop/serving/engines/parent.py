"""A process that ends with its parent, however the parent ends. Imports nothing heavy."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that the kernel sends when the parent dies. Linux only."""


def die_with_parent(death: signal.Signals) -> None:
    """Have the kernel send this process `death` when its parent dies, where it can.

    Ends the process at once when the parent died in the meantime.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death)
    if os.getppid() != parent:
        os._exit(1)
