"""A process that appends rows and says so after each, until it is killed.

    python -m tests.traces.appender DATABASE NAME MODE

It prints "ready" when the store is open, then the id of each row once `append` has returned.
MODE "stream" opens each row first and prints "open ID". MODE "tiny" limits the size of every file
that it writes to 256 kB, as a full disk would. MODE "grade" grades each row twice, with a
correction and without, and prints "graded ID" after both; every third row is pinned by privacy.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

from shortstop.config import TracesConfig
from shortstop.types import Clearance, Grade, GradeSource, Reach, Tier
from tests.traces.example import open_store, trace


class Clock:
    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


PINNED = Clearance(Tier.S3, Reach.LOCAL_ONLY)


def grade(trace: str, source: GradeSource, correction: str | None = None) -> Grade:
    return Grade(trace, "default", source, "small", 0.5, 1.795e9, correction=correction)


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main(path: str, name: str, mode: str) -> None:
    store = open_store(Path(path), TracesConfig(), Clock())
    say("ready")
    if mode == "tiny":
        resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 10, 256 << 10))
    for i in range(1_000_000):
        pinned = {"clearance": PINNED} if mode == "grade" and i % 3 == 0 else {}
        row = trace(f"{name}-{i}", request={"text": "x" * 500}, **pinned)
        if mode == "stream":
            store.open(row)
            say(f"open {row.id}")
        store.append(row)
        say(row.id)
        if mode == "grade":
            store.grade(grade(row.id, "user", correction=f"correction of {row.id}"))
            store.grade(grade(row.id, "judge"))
            say(f"graded {row.id}")
        if mode == "tiny" and i % 100 == 0:
            health = store.health()
            say(f"health {health.state} {health.dropped} {health.durable}")
        time.sleep(0.0005)


if __name__ == "__main__":
    main(*sys.argv[1:])
