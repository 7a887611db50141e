"""The alarm rings for what hangs, in time, and for nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from shortstop.privacy.detect.alarm import alarm


def hang(seconds: float = 5.0) -> None:
    """Deaf to every clock but the alarm."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_what_hangs_is_stopped() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError), alarm(0.05):
        hang()
    assert time.monotonic() - began < 2


def test_what_was_quick_is_left_alone() -> None:
    for _ in range(3):
        with alarm(0.02):
            pass
    hang(0.05)  # the kernel's timer rings here, for nobody


def test_a_block_that_begins_late_has_its_whole_time() -> None:
    with alarm(0.06):
        pass
    hang(0.04)
    with alarm(0.06):
        hang(0.04)


def test_a_shorter_block_after_a_longer_one_rings_in_time() -> None:
    with alarm(30):
        pass
    began = time.monotonic()
    with pytest.raises(TimeoutError), alarm(0.05):
        hang()
    assert time.monotonic() - began < 2


EXIT = """
import atexit, signal
from shortstop.privacy.detect.alarm import alarm
with alarm(5):
    pass
assert signal.getitimer(signal.ITIMER_REAL)[0] > 0, "it is left to run"
atexit._run_exitfuncs()
print(signal.getitimer(signal.ITIMER_REAL))
"""


def test_no_timer_rings_while_the_process_ends() -> None:
    """Without a handler it ends the process by a signal, whatever its exit status was to be."""
    done = subprocess.run([sys.executable, "-c", EXIT], capture_output=True, text=True, check=True)
    assert done.stdout == "(0.0, 0.0)\n"


async def test_another_thread_has_none() -> None:
    def work() -> None:
        with alarm(0.01):
            hang(0.05)

    await asyncio.to_thread(work)
