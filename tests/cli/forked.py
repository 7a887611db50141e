"""Many commands by one fresh interpreter: `python -m tests.cli.forked < ASKED`.

Each is run in a fork of its own after the imports, which are most of a command's time. Standard
input is a JSON list of `{"arguments": [...], "env": {...}}`; standard output gets a JSON list of
`{"code": 2, "out": "...", "err": "..."}`, in the same order.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from typing import Any

from shortstop.app import run as _imported  # noqa: F401 - what `serve` imports late
from shortstop.cli import main

PIPE_BYTES = 1 << 20
"""More than a command prints: it never waits for a reader."""


def forked(arguments: list[str], env: dict[str, str]) -> dict[str, Any]:
    pipes = [os.pipe(), os.pipe()]
    for pipe in pipes:
        fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    child = os.fork()
    if not child:
        for number, (_, end) in enumerate(pipes, 1):
            os.dup2(end, number)
        os.environ.update(env)
        sys.argv = ["shortstop", *arguments]
        main()  # ends in SystemExit
    _, status = os.waitpid(child, 0)
    out, err = (_read(*pipe) for pipe in pipes)
    return {"code": os.waitstatus_to_exitcode(status), "out": out, "err": err}


def _read(reading: int, writing: int) -> str:
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read().decode()


if __name__ == "__main__":
    results = [forked(**one) for one in json.load(sys.stdin)]
    json.dump(results, sys.stdout)
