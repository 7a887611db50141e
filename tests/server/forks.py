"""Gateways as forks of one interpreter that has imported everything and built the detectors.

A start of its own takes more than a second of processor time, and hundreds of tests want one. What
a fresh interpreter does at its start is tested elsewhere (tests/cli, tests/deploy, and every
gateway here that is another module than `shortstop`).

The interpreter (`python -m tests.server.forks`) gets, over a socket, arguments and environment with
two descriptors: a socket for what becomes of the process (its id, then its exit status, a message
each), and the pipe that is its standard error.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Forked:
    """A process of one's own making, as asyncio's: `returncode` is None while it runs."""

    def __init__(self, pid: int, stderr: asyncio.StreamReader, status: Coroutine[Any, Any, int]):
        self.pid = pid
        self.stderr = stderr
        self.returncode: int | None = None
        self._ended = asyncio.create_task(self._watch(status))

    async def _watch(self, status: Coroutine[Any, Any, int]) -> int:
        self.returncode = await status
        return self.returncode

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)


async def fork_shortstop(*arguments: str, env: dict[str, str]) -> Forked:
    """`shortstop ARGUMENTS` in this folder, with nothing but this environment."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine.setblocking(False)
    reading, writing = os.pipe()
    asked = {"arguments": arguments, "env": env, "folder": os.getcwd()}
    with theirs:
        socket.send_fds(_source(), [json.dumps(asked).encode()], [theirs.fileno(), writing])
    os.close(writing)
    loop, stderr = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stderr), os.fdopen(reading, "rb")
    )

    async def status() -> int:
        with mine:
            return int(await loop.sock_recv(mine, 32))

    return Forked(int(await loop.sock_recv(mine, 32)), stderr, status())


@cache
def _source() -> socket.socket:
    """One for each process that runs tests; it ends when that process does."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        source = subprocess.Popen(
            [sys.executable, "-m", "tests.server.forks", str(theirs.fileno())],
            cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def end() -> None:
        mine.close()
        source.wait()

    atexit.register(end)
    return mine


# ------------------------------------------------------------ in the interpreter that is forked


def _warm() -> None:
    from shortstop.app import run as _  # noqa: F401 - what `serve` imports late
    from shortstop.app.bodies import body_format
    from shortstop.config import PrivacyConfig
    from shortstop.privacy import ephemeral_guard

    ephemeral_guard(PrivacyConfig(), body_format()).warm()


def _serve(control: socket.socket) -> None:
    """Returns in each process that was asked for, and never in the one that forks them."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch
    while True:
        asked, fds, _, _ = socket.recv_fds(control, 1 << 20, 2)
        if not asked:
            os._exit(0)
        if os.fork():
            for fd in fds:
                os.close(fd)
            continue
        control.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        fate = socket.socket(fileno=fds[0])
        if child := os.fork():
            os.close(fds[1])
            _tell(fate, child)
        fate.close()
        return _become(json.loads(asked), fds[1])


def _tell(fate: socket.socket, child: int) -> None:
    fate.sendall(b"%d" % child)
    _, status = os.waitpid(child, 0)
    fate.sendall(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(asked: dict[str, object], stderr: int) -> None:
    os.dup2(stderr, 2)
    os.close(stderr)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.chdir(str(asked["folder"]))
    os.environ.clear()
    os.environ.update(asked["env"])  # type: ignore[call-overload]
    sys.argv = ["shortstop", *asked["arguments"]]  # type: ignore[misc]


if __name__ == "__main__":
    from shortstop.cli import main

    _warm()
    with socket.socket(fileno=int(sys.argv[1])) as source:
        _serve(source)
    main()
