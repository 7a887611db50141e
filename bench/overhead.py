"""What the gateway adds: the same requests straight to an instant upstream and through it.

    make bench-overhead            (or: python -m bench.overhead [--rounds 5] [--json])

Load and upstream on core 0, the gateway on core 1; each round measures direct and through one
after the other, and the medians of the rounds are shown. Everything is on: privacy, ledger,
traces. `named` asks for the target by name, `auto` lets the router decide (with an engine, so
that there is a choice; a fresh router sends everything unknown to the frontier).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.demo import free_port

ROOT = Path(__file__).parent.parent
WORK = ROOT / "var" / "overhead"
CONFIG = """
[server]
port = {port}
[models.small]
url = "http://127.0.0.1:{upstream}/v1"
abilities = ["json"]
[upstreams.mock]
base_url = "http://127.0.0.1:{upstream}/v1"
api_key_env = "MOCK_KEY"
[upstreams.mock.models.mock]
price = "gpt-6.1-sol"
[routing]
exploration = 0.0
shadow_rate = 0.0
"""
CASES = ((1, False, "mock"), (32, False, "mock"), (32, False, "auto"), (32, True, "mock"))


@contextmanager
def pinned(core: int | None, *command: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A child on one core, or on all for None; its output is kept in var/overhead."""
    where = ["taskset", "-c", str(core)] if core is not None else []
    with (WORK / f"{command[0]}.log").open("wb") as log:
        child = subprocess.Popen(
            [*where, sys.executable, "-m", *command],
            stdout=log,
            stderr=log,
            env={**os.environ, **env},
            cwd=ROOT,
        )
        try:
            yield child
        finally:
            child.terminate()
            child.wait(30)


async def listening(port: int) -> float:
    """Wait for a port; returns the seconds it took."""
    started = time.monotonic()
    while time.monotonic() - started < 60:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return time.monotonic() - started
        except OSError:
            await asyncio.sleep(0.005)
    raise SystemExit(f"Nothing listens on port {port} after a minute; see {WORK}.")


def measured(
    url: str, connections: int, stream: bool, model: str, seconds: float
) -> dict[str, float]:
    command = ["taskset", "-c", "0", sys.executable, "-m", "bench.load", url, "--model", model]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    command += ["--stream"] if stream else []
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"The load generator failed: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def run(rounds: int, seconds: float) -> dict[str, object]:
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "home").mkdir(parents=True)
    upstream, port = free_port(), free_port()
    config = WORK / "shortstop.toml"
    config.write_text(CONFIG.format(port=port, upstream=upstream))
    env = {"SHORTSTOP_HOME": str(WORK / "home"), "MOCK_KEY": "k"}
    path = "/v1/chat/completions"
    rows: list[dict[str, object]] = []
    with (
        pinned(0, "bench.mock_upstream", "--port", str(upstream)),
        pinned(1, "shortstop", "serve", "--config", str(config), **env) as gateway,
    ):
        await listening(upstream)
        start = await listening(port)
        idle = rss_mb(gateway.pid)
        for connections, stream, model in CASES:
            direct, through, cpu = [], [], []
            for _ in range(rounds):
                url = f"http://127.0.0.1:{upstream}{path}"
                direct.append(measured(url, connections, stream, "mock", seconds))
                before = cpu_seconds(gateway.pid)
                url = f"http://127.0.0.1:{port}{path}"
                found = measured(url, connections, stream, model, seconds)
                through.append(found)
                warm = 1 + min(1.0, seconds / 3) / seconds
                cpu.append((cpu_seconds(gateway.pid) - before) / (found["n"] * warm) * 1e6)
            rows.append(_row(connections, stream, model, direct, through, cpu))
        loaded = rss_mb(gateway.pid)
    return {
        "rounds": rounds,
        "seconds": seconds,
        "start_to_listening_s": start,
        "rss_idle_mb": idle,
        "rss_after_mb": loaded,
        "cases": rows,
    }


def _row(
    connections: int,
    stream: bool,
    model: str,
    direct: list[dict[str, float]],
    through: list[dict[str, float]],
    cpu: list[float],
) -> dict[str, object]:
    def median(found: list[dict[str, float]], key: str) -> float:
        return statistics.median(f[key] for f in found)

    return {
        "case": f"{'auto' if model == 'auto' else 'named'}{', 50 chunks' if stream else ''}",
        "connections": connections,
        "direct_rps": median(direct, "requests_per_second"),
        "rps": median(through, "requests_per_second"),
        "added_p50_ms": median(through, "p50_ms") - median(direct, "p50_ms"),
        "added_p99_ms": median(through, "p99_ms") - median(direct, "p99_ms"),
        "cpu_us": statistics.median(cpu),
        "errors": sum(f["errors"] for f in through),
    }


def show(found: dict[str, object]) -> None:
    table = Table(title="What the gateway adds (medians)")
    for name in ("case", "connections", "direct/s", "through/s", "+p50 ms", "+p99 ms", "CPU us"):
        table.add_column(name, justify="left" if name == "case" else "right")
    cases = found["cases"]
    assert isinstance(cases, list)
    for row in cases:
        table.add_row(
            row["case"],
            str(row["connections"]),
            f"{row['direct_rps']:,.0f}",
            f"{row['rps']:,.0f}",
            f"{row['added_p50_ms']:.2f}",
            f"{row['added_p99_ms']:.2f}",
            f"{row['cpu_us']:.0f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"start to listening {found['start_to_listening_s']:.2f} s, "
        f"memory {found['rss_idle_mb']:.0f} MB idle, {found['rss_after_mb']:.0f} MB afterwards"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What the gateway adds.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    result = asyncio.run(run(said.rounds, said.seconds))
    if said.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)
