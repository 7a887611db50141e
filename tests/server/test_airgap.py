"""Without a network the gateway serves, and does not so much as try to leave the machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EMPTY = ("unshare", "--map-root-user", "--net")
LOOPBACK = re.compile(r'sin_addr=inet_addr\("127\.|"::1"|sa_family=AF_(?:UNIX|NETLINK)')


def allowed() -> bool:
    return (
        shutil.which("unshare") is not None
        and shutil.which("ip") is not None
        and subprocess.run([*EMPTY, "true"], capture_output=True, check=False).returncode == 0
    )


needs_namespace = pytest.mark.skipif(
    not allowed(), reason="this machine lets nobody make an empty network namespace"
)


@needs_namespace
def test_in_an_empty_namespace_everything_local_is_answered(tmp_path: Path) -> None:
    told, attempts = run(tmp_path)
    assert told == {"chat": 200, "stream": 200, "claude": 200, "vectors": 200, "frontier": 404}
    assert attempts == [], "something tried to leave the machine"


def run(folder: Path) -> tuple[dict[str, int], list[str]]:
    """What clients got, and every try to reach an address beyond loopback, where it can be seen."""
    seen = folder / "connects.txt"
    watch = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(seen)]
    watched = watch if shutil.which("strace") else []
    inside = [*watched, sys.executable, "-m", "tests.server.airgapped", str(folder)]
    script = 'ip link set lo up && exec "$@"'
    done = subprocess.run(
        [*EMPTY, "sh", "-c", script, "sh", *inside],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    lines = seen.read_text().splitlines() if seen.exists() else []
    assert not watched or any("127.0.0.1" in line for line in lines), "the watch sees nothing"
    away = [line for line in lines if "sin_addr" in line or "sin6_addr" in line]
    return json.loads(done.stdout), [line for line in away if not LOOPBACK.search(line)]


def shortstop(tmp_path: Path, config: str, *command: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "shortstop.toml").write_text(config)
    return subprocess.run(
        [sys.executable, "-m", "shortstop", *command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "SHORTSTOP_HOME": str(tmp_path)},
        timeout=60,
        check=False,
    )


def test_a_remote_upstream_is_refused_at_the_start(tmp_path: Path) -> None:
    upstream = '[upstreams.x]\nbase_url = "https://api.example.com"\n[upstreams.x.models.m]\n'
    done = shortstop(tmp_path, f"[privacy]\nairgap = true\n{upstream}", "serve")
    assert done.returncode != 0
    assert "airgap" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_fetched_through_the_gap(tmp_path: Path) -> None:
    done = shortstop(tmp_path, "[privacy]\nairgap = true\n", "pull")
    assert done.returncode != 0
    assert "--from" in done.stderr
    assert "Traceback" not in done.stderr
