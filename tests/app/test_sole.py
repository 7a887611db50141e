"""One gateway for a data folder: the second is refused by name, the dead stand in nobody's way."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shortstop.app.sole import sole_gateway
from shortstop.errors import ConfigError
from shortstop.stores import Paths
from tests.server.conftest import Gateway, running_gateway

HOLD = """
import sys
from pathlib import Path
from shortstop.app.sole import sole_gateway
from shortstop.stores import Paths
with sole_gateway(Paths(Path(sys.argv[1]), Path("traces.db")), "listening somewhere"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "traces.db")


def test_the_second_is_told_who_the_first_is(paths: Paths) -> None:
    with sole_gateway(paths, "listening on a\nport"):
        with pytest.raises(ConfigError) as raised, sole_gateway(paths, "me"):
            pass
        assert f"process {os.getpid()}, listening on a" in str(raised.value)
        assert "data_dir" in raised.value.hint
    with sole_gateway(paths, "me"):
        pass


def test_who_was_killed_stands_in_nobodys_way(paths: Paths) -> None:
    command = [sys.executable, "-c", HOLD, str(paths.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError, match=f"process {first.pid}"), sole_gateway(paths, "me"):
            pass
        first.kill()
        first.wait()
        with sole_gateway(paths, "me"):
            pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_disk_without_locks_is_told(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("shortstop.app.sole.fcntl.flock", flock)
    with pytest.raises(ConfigError, match="cannot be locked"), sole_gateway(paths, "me"):
        pass


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for home in (file, file / "below"):
        one = sole_gateway(Paths(home, home / "traces.db"), "me")
        with pytest.raises(ConfigError, match="cannot be written to"), one:
            pass


# ------------------------------------------------------------ real gateways


async def refused(gateway: Gateway, *options: str) -> str:
    """What a second gateway with the same file says; it must not start."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shortstop", "serve", "--config", str(gateway.config_file), *options,
        env={**os.environ, "SHORTSTOP_HOME": str(gateway.home), "VENDOR_KEY": "sk"},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode == 2, said.decode()
    assert b"Traceback" not in said
    return said.decode()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_second_gateway_is_refused_until_the_first_has_ended(
    tmp_path: Path, workers: str
) -> None:
    async with running_gateway(tmp_path, f"workers = {workers}\n") as first:
        assert first.process is not None
        for options in ([], ["--workers", "2"], ["--workers", "1"], ["--port", "0"]):
            assert f"process {first.process.pid}" in await refused(first, *options)
        waiting = asyncio.create_task(ask(first))
        await first.local.asked.wait()
        first.process.send_signal(signal.SIGTERM)
        assert f"process {first.process.pid}" in await refused(first), "it is draining"
        first.local.go.set()
        assert await waiting == 200
        async with asyncio.timeout(20):
            await first.process.wait()
        await first.stop()
        await first.start()
        await first.kill()
        await first.start()


async def ask(gateway: Gateway) -> int:
    said = [{"role": "user", "content": "!wait yes"}]
    body = {"model": "small", "messages": said}
    async with gateway.http.post("/v1/chat/completions", json=body) as answer:
        return answer.status
