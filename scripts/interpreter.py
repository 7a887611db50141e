"""Which Python the environment should be made with: prints its path. Standard library only.

    python3 -m scripts.interpreter [--explain]

CPython built with profile-guided optimisation, as distributions and container images have it, runs
the gateway a fifth faster than one that was built from source without (docs/benchmarks.md).
`python3` is taken unless another one here, new enough and able to make virtual environments, is
clearly faster. `make setup PYTHON=...` overrules it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("python3", "python3.11", "python3.12", "python3.13")
BEYOND = os.pathsep.join(["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"])
CLEARLY = 1.3
"""How many times as fast another one must be."""
ROUNDS = 10

PROBE = """
import ensurepip, sys, time, venv
assert (3, 11) <= sys.version_info < (3, 14)

class Point:
    def __init__(self, x):
        self.x = x

    def next(self):
        return Point(self.x + 1)

def work():
    point, seen = Point(0), {}
    for i in range(20_000):
        point = point.next()
        seen[str(i & 255)] = point.x

def timed():
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

print(min(timed() for _ in range(5)))
"""


def seconds(python: str) -> float | None:
    """Of a small piece of work; None for an interpreter that will not do."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", PROBE], capture_output=True, text=True, timeout=20, check=True
        )
        return float(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def candidates() -> list[str]:
    """`python3` first, each file once."""
    known: dict[str, str] = {}
    for path in (None, BEYOND):
        for found in (shutil.which(name, path=path) for name in NAMES):
            if found:
                known.setdefault(os.path.realpath(found), found)
    return list(known.values())


def measured(pythons: list[str]) -> dict[str, float]:
    """The best of some rounds, in turn: another load on the machine then meets all of them."""
    best = {python: spent for python in pythons if (spent := seconds(python)) is not None}
    for _ in range(ROUNDS - 1):
        for python, known in best.items():
            best[python] = min(known, seconds(python) or known)
    return best


def chosen(took: dict[str, float]) -> str | None:
    """By seconds, in order of preference."""
    if not took:
        return None
    first, fastest = next(iter(took)), min(took, key=took.__getitem__)
    return fastest if took[fastest] * CLEARLY < took[first] else first


def main() -> None:
    took = measured(candidates())
    best = chosen(took)
    if best is None:
        sys.exit(
            "No Python from 3.11 to 3.13 with `venv` was found. Install one "
            "(Debian, Ubuntu: apt-get install python3-venv), or name it: make setup PYTHON=..."
        )
    if "--explain" in sys.argv:
        for python, spent in took.items():
            sys.stderr.write(f"{spent * 1000:6.1f} ms  {python}\n")
    sys.stdout.write(f"{best}\n")


if __name__ == "__main__":
    main()
