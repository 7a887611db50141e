"""A gateway whose detectors are broken: `python -m tests.server.faulty FAULT serve ...`.

`crash` raises, `crash-now-and-then` every second time, `hang` never comes back but looks at the
clock, `deaf` does not even do that, `killed` is out of memory. `loud` is whole, and
logs everything.
"""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from shortstop.cli import main
from shortstop.privacy import detectors, guard

right = detectors.scan
times = itertools.count()
Tick = Callable[[], None]


def crash(*_: Any) -> Any:
    raise RuntimeError("boom, and the text was AKIA...")


def crash_now_and_then(*given: Any) -> Any:
    return crash() if next(times) % 2 else right(*given)


def hang(_leaves: Any, _register: Any, tick: Tick) -> Any:
    while True:
        time.sleep(0.001)
        tick()


def deaf(*_: Any) -> Any:
    while True:
        time.sleep(1)


def killed(*_: Any) -> Any:
    raise MemoryError


def loud(*given: Any) -> Any:
    return right(*given)


FAULTS = {
    "crash": crash,
    "crash-now-and-then": crash_now_and_then,
    "hang": hang,
    "deaf": deaf,
    "killed": killed,
}

if __name__ == "__main__":
    fault = sys.argv.pop(1)
    detectors.scan = {**FAULTS, "loud": loud}[fault]
    guard.WARMING = 0.5  # a start waits for the first text: here it would for nothing
    if fault == "loud":
        logging.basicConfig(level=logging.DEBUG)
    main()
