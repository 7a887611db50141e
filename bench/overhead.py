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
import shutil
import statistics
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from bench.processes import ROOT, cpu_seconds, free_port, listening, module, rss_mb, running

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


def measured(
    url: str, connections: int, stream: bool, model: str, seconds: float
) -> dict[str, float]:
    """One run of the load generator on core 0. Raises SystemExit when it fails."""
    command = ["taskset", "-c", "0", *module("bench.load", url, "--model", model)]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    command += ["--stream"] if stream else []
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"The load generator failed: {done.stderr.strip().splitlines()[-1]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


async def run(rounds: int, seconds: float) -> dict[str, object]:
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "home").mkdir(parents=True)
    upstream, port = free_port(), free_port()
    config = WORK / "shortstop.toml"
    config.write_text(CONFIG.format(port=port, upstream=upstream))
    env = {"SHORTSTOP_HOME": str(WORK / "home"), "MOCK_KEY": "k"}
    path = "/v1/chat/completions"
    rows: list[dict[str, object]] = []
    mock = module("bench.mock_upstream", "--port", str(upstream))
    serve = module("shortstop", "serve", "--config", str(config))
    logs = WORK / "mock_upstream.log", WORK / "shortstop.log"
    with (
        running(mock, logs[0], core=0) as model_server,
        running(serve, logs[1], core=1, env=env) as gateway,
    ):
        await listening(upstream, model_server, logs[0])
        start = await listening(port, gateway, logs[1])
        idle = rss_mb(gateway.pid)
        for connections, stream, model in CASES:
            direct, through, cpu = [], [], []
            for _ in range(rounds):
                url = f"http://127.0.0.1:{upstream}{path}"
                direct.append(measured(url, connections, stream, "mock", seconds))
                before = cpu_seconds(gateway.pid)
                url = f"http://127.0.0.1:{port}{path}"
                figures = measured(url, connections, stream, model, seconds)
                through.append(figures)
                warm = 1 + min(1.0, seconds / 3) / seconds
                cpu.append((cpu_seconds(gateway.pid) - before) / (figures["n"] * warm) * 1e6)
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
    def median(rounds: list[dict[str, float]], key: str) -> float:
        return statistics.median(figures[key] for figures in rounds)

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


def show(result: dict[str, object]) -> None:
    table = Table(title="What the gateway adds (medians)")
    for name in ("case", "connections", "direct/s", "through/s", "+p50 ms", "+p99 ms", "CPU us"):
        table.add_column(name, justify="left" if name == "case" else "right")
    cases = result["cases"]
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
        f"start to listening {result['start_to_listening_s']:.2f} s, "
        f"memory {result['rss_idle_mb']:.0f} MB idle, {result['rss_after_mb']:.0f} MB afterwards"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What the gateway adds.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = asyncio.run(run(args.rounds, args.seconds))
    if args.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)
