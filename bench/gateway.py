"""Shortstop beside other gateways, in one run on two cores.

    make bench-gateway         (or: python -m bench.gateway [--rounds 3] [--seconds 3] [--only NAME]
                                [--json])

The gateway under test on core 1, load generator and an instant upstream on core 0. All gateways
stay up for the whole run; each round asks each of them once, in turn, so that whatever else the
machine does hits all alike. Medians of the rounds with their range. Shortstop has everything on:
privacy, ledger, traces; `auto` also routes. Peers run with one worker and their defaults, without a
database, and keep no traces.
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
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.demo import free_port
from bench.overhead import CONFIG, cpu_seconds, listening, rss_mb
from bench.peers.catalogue import PEERS, NotInstalled, Peer

ROOT = Path(__file__).parent.parent
WORK = ROOT / "var" / "peers"
LOADS = {"1": (1, False), "32": (32, False), "128": (128, False), "stream": (32, True)}
CHUNKS = 53
"""Events of one streamed answer."""
PATIENCE = 90.0
Found = dict[str, float]


@dataclass
class Gateway:
    """One gateway that runs: where to ask it, and what was measured. `pid` None: no process."""

    name: str
    url: str
    model: str
    headers: list[str] = field(default_factory=list)
    pid: int | None = None
    start_s: float = 0.0
    idle_mb: float = 0.0
    found: dict[str, list[Found]] = field(default_factory=dict)


# ---------------------------------------------------------------- running them


@contextmanager
def on_core(core: int, command: list[str], folder: Path, env: dict[str, str]) -> Iterator[Any]:
    with (folder / "log.txt").open("wb") as log:
        child = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env={**os.environ, **env},
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


async def shortstop(stack: ExitStack, upstream: int) -> list[Gateway]:
    """One process, asked by name and by `auto`."""
    folder = WORK / "shortstop"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = free_port()
    (folder / "shortstop.toml").write_text(CONFIG.format(port=port, upstream=upstream))
    command = [sys.executable, "-m", "shortstop", "serve", "--config", "shortstop.toml"]
    env = {"SHORTSTOP_HOME": str(folder), "MOCK_KEY": "key-of-the-mock-upstream"}
    child = stack.enter_context(on_core(1, command, folder, env))
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    named = Gateway("shortstop named", url, "mock", pid=child.pid)
    await _started(named)
    auto = Gateway("shortstop auto", url, "auto", pid=child.pid, start_s=named.start_s)
    auto.idle_mb = named.idle_mb
    return [named, auto]


async def peer(stack: ExitStack, known: Peer, upstream: int) -> Gateway:
    """Raises NotInstalled."""
    folder = WORK / known.name
    folder.mkdir(parents=True, exist_ok=True)
    known.install(folder)
    port = free_port()
    command, env = known.start(folder, port, upstream)
    child = stack.enter_context(on_core(1, command, folder, env))
    base = f"http://127.0.0.1:{port}"
    if known.says_its_url:
        base = await asyncio.to_thread(_url_in, child.stdout)
    gateway = Gateway(known.name, base + known.path, known.model, known.headers(upstream))
    gateway.pid = child.pid
    await _started(gateway)
    return gateway


def _url_in(lines: Iterable[bytes]) -> str:
    for line in lines:
        if line.startswith(b"http"):
            return line.decode().strip()
    raise NotInstalled("it ended before it listened; see its log")


async def _started(gateway: Gateway) -> None:
    """Wait for the first good answer. Raises NotInstalled when none comes."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if (await asyncio.to_thread(_load, gateway, 1, False, 0.05)) is not None:
            gateway.start_s = time.monotonic() - began
            assert gateway.pid is not None
            gateway.idle_mb = _memory(gateway.pid)
            return
        await asyncio.sleep(0.05)
    raise NotInstalled(f"it gave no good answer within {PATIENCE:.0f} s")


def _memory(pid: int) -> float:
    """Of the process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return rss_mb(pid) + sum(_memory(int(child)) for child in children)


# ---------------------------------------------------------------- measuring


def _load(gateway: Gateway, connections: int, stream: bool, seconds: float) -> Found | None:
    command = ["taskset", "-c", "0", sys.executable, "-m", "bench.load", gateway.url]
    command += ["--model", gateway.model, "--connections", str(connections)]
    command += ["--seconds", str(seconds), *(["--stream"] if stream else [])]
    for header in gateway.headers:
        command += ["--header", header]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        return None
    found: Found = json.loads(done.stdout)
    return None if found["errors"] > found["n"] else found


def measure(gateway: Gateway, load: str, seconds: float) -> None:
    connections, stream = LOADS[load]
    before = cpu_seconds(gateway.pid) if gateway.pid else 0.0
    found = _load(gateway, connections, stream, seconds)
    if found is None:
        return
    if gateway.pid:
        warm = 1 + min(1.0, seconds / 3) / seconds
        spent = cpu_seconds(gateway.pid) - before
        found["cpu_us"] = spent / (found["n"] * warm) * 1e6
        found["rss_mb"] = _memory(gateway.pid)
    gateway.found.setdefault(load, []).append(found)


async def run(rounds: int, seconds: float, only: list[str], quiet: bool) -> dict[str, Any]:
    WORK.mkdir(parents=True, exist_ok=True)
    missing: dict[str, str] = {}
    upstream = free_port()
    with ExitStack() as stack, Progress(console=Console(stderr=True), disable=quiet) as bar:
        mock = [sys.executable, "-m", "bench.mock_upstream", "--port", str(upstream)]
        stack.enter_context(on_core(0, mock, WORK, {"PYTHONPATH": str(ROOT)}))
        await listening(upstream)
        direct = Gateway("direct", f"http://127.0.0.1:{upstream}/v1/chat/completions", "mock")
        gateways = [direct, *await shortstop(stack, upstream)]
        for known in PEERS:
            if only and known.name not in only:
                continue
            try:
                gateways.append(await peer(stack, known, upstream))
            except NotInstalled as why:
                missing[known.name] = str(why)
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


def _summary(gateway: Gateway, direct: Gateway) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": gateway.name,
        "start_s": gateway.start_s,
        "rss_idle_mb": gateway.idle_mb,
        "rss_after_mb": max(
            (f.get("rss_mb", 0.0) for rows in gateway.found.values() for f in rows), default=0.0
        ),
    }
    for load, rows in gateway.found.items():
        rates = [row["requests_per_second"] for row in rows]
        told[load] = {
            "rps": statistics.median(rates),
            "rps_range": [min(rates), max(rates)],
            "cpu_us": statistics.median(row.get("cpu_us", 0.0) for row in rows),
            "errors": sum(row["errors"] for row in rows),
            "n": sum(row["n"] for row in rows),
        }
        for quantile in ("p50_ms", "p99_ms"):
            own = statistics.median(row[quantile] for row in rows)
            base = statistics.median(row[quantile] for row in direct.found[load])
            told[load][f"added_{quantile}"] = own - base
    return told


# ---------------------------------------------------------------- telling


def show(found: dict[str, Any]) -> None:
    console = Console(width=140)
    table = Table(title="Side by side: requests/s, added p50 / p99 in ms, CPU us a request")
    for name in ("gateway", "1 connection", "32", "128", "streams/s (chunks/s)", "CPU us", "RSS MB",
                 "start s"):  # fmt: skip
        table.add_column(name, justify="left" if name == "gateway" else "right")
    for row in found["gateways"]:
        table.add_row(
            row["name"],
            *(_cell(row.get(load)) for load in ("1", "32", "128")),
            _streams(row.get("stream")),
            f"{row['32']['cpu_us']:,.0f}" if "32" in row else "-",
            f"{row['rss_idle_mb']:.0f} -> {row['rss_after_mb']:.0f}",
            f"{row['start_s']:.1f}",
        )
    console.print(table)
    for name, why in found["not_installed"].items():
        console.print(f"{name}: not installed: {why}")
    for line in ratios(found):
        console.print(line)


def _cell(load: dict[str, Any] | None) -> str:
    if load is None:
        return "fails"
    return f"{load['rps']:,.0f}/s  +{load['added_p50_ms']:.2f} / {load['added_p99_ms']:.1f}"


def _streams(load: dict[str, Any] | None) -> str:
    return "fails" if load is None else f"{load['rps']:,.0f} ({load['rps'] * CHUNKS:,.0f})"


def ratios(found: dict[str, Any]) -> list[str]:
    """What the issue asks: each ratio within this run."""
    rows = {row["name"]: row for row in found["gateways"]}
    wanted = (
        ("shortstop named", "32", "tensorzero", 0.6, 1.0),
        ("shortstop named", "32", "switchyard", None, 1.0),
        ("shortstop auto", "32", "litellm", 15, 40),
        ("shortstop auto", "32", "portkey", 3, 6),
        ("shortstop named", "stream", "tensorzero", 0.8, 1.5),
    )
    lines = []
    for own, load, other, must, aim in wanted:
        if load in rows.get(other, {}) and load in rows[own]:
            ratio = rows[own][load]["rps"] / rows[other][load]["rps"]
            bar = f"must {must}, " if must is not None else ""
            lines.append(f"{own} / {other} at {load}: {ratio:.2f} ({bar}aim {aim})")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shortstop beside other gateways.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", action="append", default=[], help="a peer; repeat")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    result = asyncio.run(run(said.rounds, said.seconds, said.only, said.json))
    if said.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)
