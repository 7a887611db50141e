"""Privacy's verdicts in a process of their own, which ends when they are all given.

Its rules, word lists and patterns take 300 MB once they have seen some texts. A backtest needs them
only while it reads; what it learns afterwards needs the memory.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from shortstop.app.decisions import patient_guard
from shortstop.config import Config
from shortstop.errors import ShortstopError
from shortstop.flywheel.mine.logs import Judge
from shortstop.privacy import PrivacyGuard
from shortstop.types import Caller, Clearance, Request


class _Bench:
    """What the child process has ready."""

    guard: PrivacyGuard | None = None

    @classmethod
    def set_up(cls, config: Config) -> None:
        cls.guard = patient_guard(config)


def _cleared(request: Request, caller: Caller) -> Clearance:
    assert _Bench.guard is not None
    return _Bench.guard.clear(request, caller).recorded()


@contextmanager
def judge_beside(config: Config) -> Iterator[Judge]:
    """A function that asks the child. Raises ConfigError where there can be no guard."""
    patient_guard(config)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, _Bench.set_up, (config,)) as child:

        def judge(request: Request, caller: Caller) -> Clearance:
            try:
                return child.submit(_cleared, request, caller).result()
            except BrokenProcessPool as error:
                raise ShortstopError(
                    "The process that judges what is private has ended.",
                    hint="The machine may be out of memory; try again with fewer `--examples`.",
                ) from error

        yield judge
