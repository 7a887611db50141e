"""A process that trains in no time: what it is told decides what it does.

`how` stands for the seconds of the job: 1 trains, 2 says that it failed, 3 dies while it trains,
4 scores what is nothing like what was served, 5 finds the disk full.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import msgspec

from shortstop.flywheel.adapter.messages import (
    AdapterJob,
    Failed,
    Scored,
    Scoring,
    StepDone,
    Told,
    Trained,
)

COMMAND = (sys.executable, "-m", "tests.flywheel.adapter.scripted")
LOGPROB = -0.1


def say(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    lines = iter(sys.stdin.buffer.readline, b"")
    job = msgspec.json.decode(next(lines), type=AdapterJob)
    folder = Path(job.folder)
    with (folder / "runs").open("a") as file:
        file.write("x")
    say(StepDone(1, 2, 1.5))
    if job.seconds == 2:
        say(Failed("Nothing fits."))
        return
    if job.seconds == 5:
        say(Failed("No space left.", errno.ENOSPC))
        return
    if job.seconds == 3:
        os.kill(os.getpid(), 9)
    weights = folder / "adapter.gguf"
    weights.write_bytes(b"GGUF" + str(len(job.pairs)).encode())
    say(Trained(str(weights), 2, 0.5, 99, 0.1, "none", len(job.pairs), 10))
    for line in lines:
        n = len(msgspec.json.decode(line, type=Scoring).pairs)
        far = 9.0 if job.seconds == 4 else 0.0
        say(Scored([LOGPROB - far] * n, [1.0] * n))


if __name__ == "__main__":
    main()
