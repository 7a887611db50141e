"""Without a network the gateway serves, and does not so much as try to leave the machine.

`make airgap` runs every test of the suite in this way.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.airgap import EMPTY, away, watched

ROOT = Path(__file__).parent.parent.parent
NEEDED = ("unshare", "ip", "strace")


def allowed() -> bool:
    """Not where this very test is watched already: nobody is traced twice."""
    watched_already = "TracerPid:\t0" not in Path("/proc/self/status").read_text()
    return (
        not watched_already
        and all(shutil.which(tool) for tool in NEEDED)
        and subprocess.run([*EMPTY, "true"], capture_output=True, check=False).returncode == 0
    )


needs_namespace = pytest.mark.skipif(
    not allowed(), reason="needs unshare, ip and strace, and the right to use them"
)


@needs_namespace
def test_in_an_empty_namespace_everything_local_is_answered(tmp_path: Path) -> None:
    told, attempts = run(tmp_path)
    assert told == {"chat": 200, "stream": 200, "claude": 200, "vectors": 200, "frontier": 404}
    assert attempts == [], "something tried to leave the machine"


def run(folder: Path) -> tuple[dict[str, int], list[str]]:
    """What clients got, and every try to reach an address beyond loopback."""
    seen = folder / "calls.txt"
    done = subprocess.run(
        watched([sys.executable, "-m", "tests.server.airgapped", str(folder)], seen),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    lines = seen.read_text().splitlines()
    assert any("127.0.0.1" in line for line in lines), "the watch sees nothing"
    return json.loads(done.stdout), away(lines)


OUTSIDE = [
    '7 connect(5, {sa_family=AF_INET, sin_addr=inet_addr("8.8.8.8")}, 16) = -1',
    '7 sendto(5, "ab", 2, 0, {sa_family=AF_INET, sin_addr=inet_addr("10.0.0.2")}',
    "7 sendmmsg(5, [{msg_hdr={msg_name={sa_family=AF_INET6, inet_pton(AF_INET6,"
    ' "fd00::53", &sin6_addr)}',
    "7 connect(5, {sa_family=AF_PACKET, sll_protocol=htons(ETH_P_ALL)}, 20) = 0",
]
INSIDE = [
    '7 connect(5, {sa_family=AF_INET, sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
    '7 connect(5, {sa_family=AF_INET6, inet_pton(AF_INET6, "::1", &sin6_addr)}, 28) = 0',
    '7 connect(5, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT',
    '7 sendto(5, "GET / HTTP/1.1", 14, 0, NULL, 0) = 14',
    "7 sendto(5, [{nlmsg_len=20}], 20, 0, {sa_family=AF_NETLINK, nl_pid=0}, 12) = 20",
]


def test_the_watch_tells_what_is_beyond_loopback() -> None:
    assert away([*OUTSIDE, *INSIDE]) == OUTSIDE


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


@pytest.mark.parametrize("command", [("serve",), ("config", "check")])
def test_a_local_model_elsewhere_is_refused_at_the_start(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    elsewhere = '[models.small]\nurl = "https://api.example.com/v1"\n'
    done = shortstop(tmp_path, f"[privacy]\nairgap = true\n{elsewhere}", *command)
    assert done.returncode != 0
    assert "private network" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_fetched_through_the_gap(tmp_path: Path) -> None:
    done = shortstop(tmp_path, "[privacy]\nairgap = true\n", "pull")
    assert done.returncode != 0
    assert "--from" in done.stderr
    assert "Traceback" not in done.stderr
