"""As in a container: another user without HOME and passwd entry, a read-only tree, one folder to
write, ended by SIGTERM under load."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.server.conftest import CONFIG
from tests.server.scripted import ScriptedModel

HERE = Path(__file__).parent
USER = "12345"
UNSHARED = ("unshare", "--mount", str(HERE / "readonly.sh"), USER)


def _can_unshare() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _can_unshare(), reason="needs root and mount namespaces"),
]


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """An empty mount point, and a folder that the user owns; where others can reach them."""
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as data:
        Path(root).chmod(0o755)
        os.chown(data, int(USER), 0)
        yield Path(root), Path(data)


async def test_a_gateway_needs_one_folder_and_drains(folders: tuple[Path, Path]) -> None:
    root, data = folders
    async with ScriptedModel("small").running() as local, ScriptedModel("big").running() as far:
        text = CONFIG.format(local=local.url, frontier=far.url, server="", more="")
        (data / "shortstop.toml").write_text(text)
        shutil.chown(data / "shortstop.toml", int(USER))
        command = (sys.executable, "-m", "shortstop", "serve", "--config", data / "shortstop.toml")
        process = await asyncio.create_subprocess_exec(
            *UNSHARED, root, data, *command, stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        log = b""
        async with asyncio.timeout(60):
            while b"listening on" not in log:
                line = await process.stderr.readline()
                assert line, log.decode()
                log += line
        url = "http" + log.rsplit(b"listening on http", 1)[1].split(b"/v1")[0].decode()
        statuses = await _under_load(url, local, process)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
        rest = log + await process.stderr.read()
        assert b"Traceback" not in rest, rest.decode()
        assert statuses.count(200) >= 9, "those under way were answered"
        assert set(statuses) <= {200, 503, 0}
        owners = {path.stat().st_uid for path in data.rglob("*")}
        assert owners == {int(USER)}
        assert (data / "traces.db").exists()


async def _under_load(
    url: str, model: ScriptedModel, process: asyncio.subprocess.Process
) -> list[int]:
    """The statuses of requests of which some are under way when the signal comes; 0: refused."""
    statuses: list[int] = []

    async def ask(client: aiohttp.ClientSession, text: str) -> None:
        body = {"model": "small", "messages": [{"role": "user", "content": text}]}
        try:
            async with client.post("/v1/chat/completions", json=body) as answer:
                statuses.append(answer.status)
        except aiohttp.ClientError:
            statuses.append(0)

    async with aiohttp.ClientSession(url) as client:
        await ask(client, "!say hello")
        slow = [asyncio.create_task(ask(client, f"!wait {i}")) for i in range(8)]
        async with asyncio.timeout(20):
            while len(model.received) < 9:
                model.asked.clear()
                await model.asked.wait()
        process.send_signal(signal.SIGTERM)
        late = [asyncio.create_task(ask(client, "!say late")) for _ in range(4)]
        model.go.set()
        await asyncio.gather(*slow, *late)
    return statuses


def test_nothing_else_can_be_written(folders: tuple[Path, Path]) -> None:
    root, data = folders
    script = f"id -u; touch {data}/here; touch /tmp/no /dev/shm/no {HERE}/no; echo ${{HOME-none}}"
    done = subprocess.run(
        [*UNSHARED, root, data, "/bin/sh", "-c", script], capture_output=True, text=True
    )
    assert done.stdout.split() == [USER, "none"]
    assert done.stderr.count("Read-only file system") == 3
    assert (data / "here").stat().st_uid == int(USER)
