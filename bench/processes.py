"""Child processes of the benchmarks: started, pinned to cores, waited for, measured. Linux only."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
"""The repository, from which `python -m bench...` and `python -m shortstop` are found."""
PATIENCE = 180.0
"""Seconds until a child must listen."""


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def module(*command: str) -> list[str]:
    """The command that runs a Python module with this interpreter."""
    return [sys.executable, "-m", *command]


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    *,
    core: int | None = None,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    stdout: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A child that ends with the block; what it prints goes to `log`, but for a given `stdout`.

    `core` pins it to one core, `env` is added to this process's environment.
    """
    pin = ["taskset", "-c", str(core)] if core is not None else []
    with log.open("wb") as out:
        child = subprocess.Popen(
            [*pin, *command],
            stdout=out if stdout is None else stdout,
            stderr=out,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def listening(port: int, child: subprocess.Popen[bytes], log: Path) -> float:
    """Wait until a port accepts connections; returns the seconds that it took.

    Raises SystemExit, naming the log, when the child ends or does not listen within three minutes.
    """
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        if child.poll() is not None:
            raise SystemExit(f"A process ended before it listened on port {port}; see {log}.")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.close()
        return time.monotonic() - started
    raise SystemExit(f"Nothing listens on port {port} after {PATIENCE:.0f} seconds; see {log}.")


def children(pid: int) -> list[int]:
    """Process ids of the direct children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def rss_mb(pid: int) -> float:
    """Resident memory of one process, in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def tree_rss_mb(pid: int) -> float:
    """Resident memory of a process and all its descendants, in megabytes."""
    return rss_mb(pid) + sum(tree_rss_mb(child) for child in children(pid))


def cpu_seconds(pid: int) -> float:
    """CPU time of one process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def key_of(tenant: str, python: str, config: Path, env: Mapping[str, str]) -> str:
    """The secret of a new key of a tenant. Raises CalledProcessError."""
    command = [python, "-m", "shortstop", "keys", "create", tenant, "--tenant", tenant]
    done = subprocess.run(
        [*command, "--json", "--config", str(config)],
        capture_output=True,
        check=True,
        cwd=config.parent,
        env={**os.environ, **env},
    )
    return str(json.loads(done.stdout)["secret"])
