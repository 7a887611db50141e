"""The engine's process: light to import, and never left behind."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "msgspec", "starlette", "uvicorn", "rich", "xllamacpp", "jsonschema_rs"}


async def run(program: str) -> str:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    assert child.returncode == 0
    return out.decode()


async def test_importing_it_loads_nothing_heavy() -> None:
    """A child starts in tens of milliseconds, and holds none of the gateway's memory."""
    modules = await run("import sys, shortstop.serving.engines.child; print(' '.join(sys.modules))")
    assert not HEAVY & {name.partition(".")[0] for name in modules.split()}


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", '''
import signal, sys, time
from shortstop.serving.engines.parent import die_with_parent
die_with_parent(signal.SIGTERM)
print("ready", flush=True)
time.sleep(60)
'''], stdout=subprocess.PIPE)
assert child.stdout.readline() == b"ready\\n"
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_process_dies_with_its_parent(how: signal.Signals) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert alive(child)
    parent.send_signal(how)
    await parent.wait()
    async with asyncio.timeout(5):
        while alive(child):
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process is there and not only waits to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


@pytest.mark.parametrize("line", [b"", b"not json\n"])
async def test_without_options_it_ends(line: bytes) -> None:
    """Its parent died before it could say what to load."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shortstop.serving.engines.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        out, _ = await child.communicate(line)
    assert child.returncode not in (0, None)
    assert out == b""
