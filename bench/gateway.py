"""Shortstop and other gateways, in one run on two cores.

    make bench-gateway         (or: python -m bench.gateway [--rounds 3] [--seconds 3] [--only NAME]
                                [--before CHECKOUT] [--json])

The gateway under test on core 1, load generator and an instant upstream on core 0. All gateways
stay up for the whole run; each round asks each of them once, in turn, so that whatever else the
machine does hits all alike. Medians of the rounds with their range. Shortstop has everything on:
privacy, ledger, traces; `auto` also routes. Peers run with one worker and their defaults, without a
database, and keep no traces. `--before` adds another checkout of Shortstop with its own `.venv`, so
that two states are compared in turn; `--only none` leaves the peers out.
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
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.overhead import CONFIG
from bench.peers.catalogue import PEERS, NotInstalled, Peer
from bench.processes import (
    ROOT,
    cpu_seconds,
    free_port,
    listening,
    module,
    running,
    tree_rss_mb,
)

WORK = ROOT / "var" / "peers"
LOADS = {"1": (1, False), "32": (32, False), "128": (128, False), "stream": (32, True)}
CHUNKS = 53
"""Events of one streamed answer."""
PATIENCE = 90.0
"""Seconds until a gateway must give its first good answer."""
Figures = dict[str, float]
"""What the load generator prints, with `cpu_us` and `rss_mb` of the gateway."""


@dataclass
class MeasuredGateway:
    """One gateway that runs: where to ask it, and what was measured. `pid` None: no process."""

    name: str
    url: str
    model: str
    headers: list[str] = field(default_factory=list)
    pid: int | None = None
    start_s: float = 0.0
    idle_mb: float = 0.0
    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    """By load."""


# ---------------------------------------------------------------- running them


async def shortstop(
    stack: ExitStack, upstream: int, name: str = "shortstop", checkout: Path = ROOT
) -> list[MeasuredGateway]:
    """One process of a checkout's, asked by name and by `auto`."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = free_port()
    (folder / "shortstop.toml").write_text(CONFIG.format(port=port, upstream=upstream))
    python = str(checkout / ".venv" / "bin" / "python")
    command = [python, "-m", "shortstop", "serve", "--config", "shortstop.toml"]
    env = {"SHORTSTOP_HOME": str(folder), "MOCK_KEY": "key-of-the-mock-upstream"}
    log = folder / "log.txt"
    child = stack.enter_context(running(command, log, core=1, cwd=folder, env=env))
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    named = MeasuredGateway(f"{name} named", url, "mock", pid=child.pid)
    await _started(named)
    auto = MeasuredGateway(f"{name} auto", url, "auto", pid=child.pid, start_s=named.start_s)
    auto.idle_mb = named.idle_mb
    return [named, auto]


async def start_peer(stack: ExitStack, peer: Peer, upstream: int) -> MeasuredGateway:
    """Install it if need be, and start it. Raises NotInstalled, saying why."""
    folder = WORK / peer.name
    folder.mkdir(parents=True, exist_ok=True)
    peer.install(folder)
    port = free_port()
    command, env = peer.start(folder, port, upstream)
    stdout = subprocess.PIPE if peer.says_its_url else None
    child = stack.enter_context(
        running(command, folder / "log.txt", core=1, cwd=folder, env=env, stdout=stdout)
    )
    base = f"http://127.0.0.1:{port}"
    if child.stdout is not None:
        base = await asyncio.to_thread(_url_in, child.stdout)
    gateway = MeasuredGateway(peer.name, base + peer.path, peer.model, peer.headers(upstream))
    gateway.pid = child.pid
    await _started(gateway)
    return gateway


def _url_in(lines: Iterable[bytes]) -> str:
    for line in lines:
        if line.startswith(b"http"):
            return line.decode().strip()
    raise NotInstalled("it ended before it listened; see its log")


async def _started(gateway: MeasuredGateway) -> None:
    """Wait for the first good answer. Raises NotInstalled when none comes."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if (await asyncio.to_thread(_load, gateway, 1, False, 0.05)) is not None:
            gateway.start_s = time.monotonic() - began
            assert gateway.pid is not None
            gateway.idle_mb = tree_rss_mb(gateway.pid)
            return
        await asyncio.sleep(0.05)
    raise NotInstalled(f"it gave no good answer within {PATIENCE:.0f} s")


# ---------------------------------------------------------------- measuring


def _load(
    gateway: MeasuredGateway, connections: int, stream: bool, seconds: float
) -> Figures | None:
    """One run of the load generator; None when it fails or most answers are errors."""
    command = ["taskset", "-c", "0", *module("bench.load", gateway.url)]
    command += ["--model", gateway.model, "--connections", str(connections)]
    command += ["--seconds", str(seconds), *(["--stream"] if stream else [])]
    for header in gateway.headers:
        command += ["--header", header]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        return None
    figures: Figures = json.loads(done.stdout)
    return None if figures["errors"] > figures["n"] else figures


def measure(gateway: MeasuredGateway, load: str, seconds: float) -> None:
    connections, stream = LOADS[load]
    before = cpu_seconds(gateway.pid) if gateway.pid else 0.0
    figures = _load(gateway, connections, stream, seconds)
    if figures is None:
        return
    if gateway.pid:
        warm = 1 + min(1.0, seconds / 3) / seconds
        spent = cpu_seconds(gateway.pid) - before
        figures["cpu_us"] = spent / (figures["n"] * warm) * 1e6
        figures["rss_mb"] = tree_rss_mb(gateway.pid)
    gateway.rounds.setdefault(load, []).append(figures)


async def run(
    rounds: int, seconds: float, only: list[str], before: Path | None, quiet: bool
) -> dict[str, Any]:
    WORK.mkdir(parents=True, exist_ok=True)
    missing: dict[str, str] = {}
    upstream = free_port()
    with ExitStack() as stack, Progress(console=Console(stderr=True), disable=quiet) as bar:
        mock = module("bench.mock_upstream", "--port", str(upstream))
        log = WORK / "log.txt"
        await listening(upstream, stack.enter_context(running(mock, log, core=0)), log)
        direct = MeasuredGateway(
            "direct", f"http://127.0.0.1:{upstream}/v1/chat/completions", "mock"
        )
        gateways = [direct, *await shortstop(stack, upstream)]
        if before is not None:
            gateways += await shortstop(stack, upstream, "before", before)
        for peer in PEERS:
            if only and peer.name not in only:
                continue
            try:
                gateways.append(await start_peer(stack, peer, upstream))
            except NotInstalled as why:
                missing[peer.name] = str(why)
        task = bar.add_task("measuring", total=rounds * len(LOADS) * len(gateways))
        for _ in range(rounds):
            for load in LOADS:
                for gateway in gateways:
                    measure(gateway, load, seconds)
                    bar.advance(task)
    return {
        "rounds": rounds,
        "seconds": seconds,
        "cores": os.cpu_count(),
        "not_installed": missing,
        "gateways": [_summary(gateway, direct) for gateway in gateways],
    }


def _summary(gateway: MeasuredGateway, direct: MeasuredGateway) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "name": gateway.name,
        "start_s": gateway.start_s,
        "rss_idle_mb": gateway.idle_mb,
        "rss_after_mb": max(
            (f.get("rss_mb", 0.0) for rows in gateway.rounds.values() for f in rows), default=0.0
        ),
    }
    for load, rows in gateway.rounds.items():
        rates = [row["requests_per_second"] for row in rows]
        summary[load] = {
            "rps": statistics.median(rates),
            "rps_range": [min(rates), max(rates)],
            "cpu_us": statistics.median(row.get("cpu_us", 0.0) for row in rows),
            "errors": sum(row["errors"] for row in rows),
            "n": sum(row["n"] for row in rows),
        }
        for quantile in ("p50_ms", "p99_ms"):
            own = statistics.median(row[quantile] for row in rows)
            base = statistics.median(row[quantile] for row in direct.rounds[load])
            summary[load][f"added_{quantile}"] = own - base
    return summary


# ---------------------------------------------------------------- showing


def show(result: dict[str, Any]) -> None:
    console = Console(width=140)
    table = Table(title="Side by side: requests/s, added p50 / p99 in ms, CPU us a request")
    for name in ("gateway", "1 connection", "32", "128", "streams/s (chunks/s)", "CPU us", "RSS MB",
                 "start s"):  # fmt: skip
        table.add_column(name, justify="left" if name == "gateway" else "right")
    for row in result["gateways"]:
        table.add_row(
            row["name"],
            *(_cell(row.get(load)) for load in ("1", "32", "128")),
            _streams(row.get("stream")),
            f"{row['32']['cpu_us']:,.0f}" if "32" in row else "-",
            f"{row['rss_idle_mb']:.0f} -> {row['rss_after_mb']:.0f}",
            f"{row['start_s']:.1f}",
        )
    console.print(table)
    for name, why in result["not_installed"].items():
        console.print(f"{name}: not installed: {why}")
    for line in ratios(result):
        console.print(line)


def _cell(load: dict[str, Any] | None) -> str:
    if load is None:
        return "fails"
    return f"{load['rps']:,.0f}/s  +{load['added_p50_ms']:.2f} / {load['added_p99_ms']:.1f}"


def _streams(load: dict[str, Any] | None) -> str:
    return "fails" if load is None else f"{load['rps']:,.0f} ({load['rps'] * CHUNKS:,.0f})"


def ratios(result: dict[str, Any]) -> list[str]:
    """Requests a second against each peer, each ratio within this run, one line each."""
    rows = {row["name"]: row for row in result["gateways"]}
    wanted = (
        ("shortstop named", "32", "tensorzero", 0.6, 1.0),
        ("shortstop named", "32", "switchyard", None, 1.0),
        ("shortstop auto", "32", "litellm", 15, 40),
        ("shortstop auto", "32", "portkey", 3, 6),
        ("shortstop named", "stream", "tensorzero", 0.8, 1.5),
        ("shortstop named", "32", "before named", 0.97, 1.0),
        ("shortstop auto", "32", "before auto", 0.97, 1.0),
        ("shortstop named", "stream", "before named", 0.97, 1.0),
    )
    lines = []
    for own, load, other, must, aim in wanted:
        if load in rows.get(other, {}) and load in rows[own]:
            ratio = rows[own][load]["rps"] / rows[other][load]["rps"]
            bar = f"must {must}, " if must is not None else ""
            lines.append(f"{own} / {other} at {load}: {ratio:.2f} ({bar}aim {aim})")
    return lines


def _checkout(path: str) -> Path:
    return Path(path).resolve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shortstop and other gateways, side by side.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", action="append", default=[], help="a peer; repeat")
    parser.add_argument("--before", type=_checkout, help="another checkout, with its own .venv")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = asyncio.run(run(args.rounds, args.seconds, args.only, args.before, args.json))
    if args.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)
