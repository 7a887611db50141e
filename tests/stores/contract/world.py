"""What the contracts share: threads and processes at once, examples, and names of their own."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from msgspec.structs import replace

from shortstop.config import TracesConfig
from shortstop.ports.stores import (
    Stores,
)
from shortstop.traces import rows
from shortstop.traces.content import ContentPolicy
from shortstop.types import Trace
from shortstop.types.rows import GradeRow, Row

AT = 1_795_000_000.0
DAY = 86_400.0
MANY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
"""Examples share one store, so their names begin with `serial()`; every implementation inherits
the same tests."""
_numbers = count()
SPAWN = multiprocessing.get_context("spawn")


def serial() -> int:
    """A number that never comes again: examples share one store, and keep apart by name."""
    return next(_numbers)


def in_threads(work: Callable[[int], object], count: int = 4) -> None:
    """Run `work(0)` ... at once; an exception in one of them is raised here."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def in_processes(work: Callable[..., object], stores: Stores, count: int = 3) -> None:
    """Run `work(stores, 0)` ... at once, each in a process of its own."""
    processes = [SPAWN.Process(target=work, args=(stores, number)) for number in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def row(original: Trace) -> Row:
    return rows.row(original, ContentPolicy(TracesConfig()).seal(original))


def grade(trace: str = "t", **changes: Any) -> GradeRow:
    base = GradeRow(trace, "default", "user", "small", 0.5, AT, correction=b'"better"')
    return replace(base, **changes)
