"""The unit for systemd: accepted by systemd itself, and no tighter than what the gateway does."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import aiohttp
import pytest

from shortstop.config import ServerConfig
from tests.server.conftest import CONFIG
from tests.server.scripted import ScriptedModel

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "systemd" / "shortstop.service"
EXPOSURE = 20
"""Tenths of the exposure that systemd may see at most; it saw 1.5 when this was written."""
USER = "12345"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def settings(text: str) -> dict[str, list[str]]:
    """By name, in order; a setting may come several times."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there in place of the one that is not installed here."""
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE)
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ("systemd-analyze", "--no-pager", *map(str, arguments))
    return subprocess.run(command, capture_output=True, text=True)


@needs_systemd
def test_systemd_accepts_every_line(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(unit.read_text().replace("ProtectProc=", "ProtectProk="))
    assert "ProtectProk" in analyze("verify", "--man=no", unit).stderr, "it tells what it ignores"


@needs_systemd
def test_little_of_the_machine_is_exposed(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_what_is_under_way_is_finished() -> None:
    said = settings(UNIT.read_text())
    assert float(said["TimeoutStopSec"][0]) >= ServerConfig().drain_seconds + 10
    assert said["KillMode"] == ["mixed"], "the engine is ended by the gateway, not beside it"
    assert said["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


@cache
def calls_of(name: str) -> frozenset[str]:
    """The system calls of one of systemd's sets, such as `@system-service`."""
    lines = (line.strip() for line in analyze("syscall-filter", name).stdout.splitlines()[1:])
    words = [line for line in lines if line and not line.startswith("#")]
    return frozenset().union(*(calls_of(w) if w[0] == "@" else {w} for w in words))


def allowed() -> frozenset[str]:
    calls: frozenset[str] = frozenset()
    for name in settings(UNIT.read_text())["SystemCallFilter"]:
        calls = calls - calls_of(name[1:]) if name[0] == "~" else calls | calls_of(name)
    return calls


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that the user owns, where others can reach it."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, int(USER), 0)
        yield Path(folder)


async def traced(data: Path) -> list[str]:
    """What a gateway asks of the kernel: it starts, answers whole and streamed, reloads, ends."""
    log = data.with_suffix(".strace")
    user = ("setpriv", f"--reuid={USER}", "--regid=0", "--clear-groups")
    async with ScriptedModel("small").running() as local, ScriptedModel("big").running() as far:
        text = CONFIG.format(local=local.url, frontier=far.url, server="", more="")
        (data / "shortstop.toml").write_text(text)
        process = await asyncio.create_subprocess_exec(
            *("strace", "-f", "-qq", "-o", log, *(user if os.geteuid() == 0 else ())),
            *(sys.executable, "-m", "shortstop", "serve", "--config", data / "shortstop.toml"),
            env={"SHORTSTOP_HOME": str(data), "VENDOR_KEY": "key", "PATH": os.environ["PATH"]},
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        said = b""
        async with asyncio.timeout(120):
            while b"listening on" not in said:
                line = await process.stderr.readline()
                assert line, said.decode()
                said += line
            url = "http" + said.rsplit(b"listening on http", 1)[1].split(b"/v1")[0].decode()
            gateway = int(log.read_text().split(maxsplit=1)[0])
            await _work(url)
            os.kill(gateway, signal.SIGHUP)
            while b"configuration reloaded" not in said:
                said += await process.stderr.readline()
            os.kill(gateway, signal.SIGTERM)
            assert await process.wait() == 0
    lines = log.read_text(errors="replace").splitlines()
    log.unlink()
    return lines


async def _work(url: str) -> None:
    async with aiohttp.ClientSession(url) as client:
        for model in ("small", "big"):
            for stream in (False, True):
                words = [{"role": "user", "content": "!say hello"}]
                body = {"model": model, "stream": stream, "messages": words}
                async with client.post("/v1/chat/completions", json=body) as answer:
                    assert answer.status == 200
                    await answer.read()
        async with client.get("/metrics") as answer:
            assert answer.status == 200


@pytest.mark.slow
@needs_systemd
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_the_gateway_needs_nothing_that_is_forbidden(data: Path) -> None:
    """By what strace saw, for no systemd runs here that would forbid it."""
    lines = await traced(data)
    began = next(i for i, line in enumerate(lines) if f'execve("{sys.executable}"' in line)
    lines = lines[began:]
    calls = {m[1] for line in lines if (m := re.match(r"\d+ +(\w+)\(", line))}
    assert len(calls) > 50
    assert calls <= allowed(), calls - allowed()
    families = {m[1] for line in lines if (m := re.search(r"\bsocket\((AF_\w+)", line))}
    assert families <= set(settings(UNIT.read_text())["RestrictAddressFamilies"][0].split())
    assert not [line for line in lines if "PROT_WRITE|PROT_EXEC" in line]
