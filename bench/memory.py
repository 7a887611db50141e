"""Where a gateway's memory goes: at rest, after its first request, after a thousand mixed ones.

    make bench-memory          (or: python -m bench.memory [--requests 1000] [--before CHECKOUT]
                                [--rounds 3] [--json])

One process with privacy, ledger and traces on, before an instant upstream. The requests are lines
of `bench/data/memory/mix.txt` (26 languages, numbers, code, logs, words about health), each with
numbers of its own, one after the other. `--before` measures another checkout with its own `.venv`
in turn. Medians of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import statistics
import time
from collections import Counter
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from bench.overhead import CONFIG
from bench.processes import ROOT, cpu_seconds, free_port, listening, module, running

WORK = ROOT / "var" / "memory"
MIX = Path(__file__).parent / "data" / "memory" / "mix.txt"
MOMENTS = ("start", "first", "mixed")
KINDS = ("Rss", "Pss", "Private")
PLACES = ("heap", "anonymous", "files")
_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)")
_KB = re.compile(r"(\w+): +(\d+) kB")


def texts(requests: int) -> list[str]:
    """The lines of the mix by turns; `{n}` and `{d}` are numbers that differ each time."""
    lines = MIX.read_text("utf-8").splitlines()
    made = (lines[i % len(lines)].replace("\\n", "\n") for i in range(requests))
    return [
        text.replace("{n}", str(10_000 + i * 37 % 90_000)).replace("{d}", str(10 + i % 18))
        for i, text in enumerate(made)
    ]


def memory_mb(pid: int) -> dict[str, float]:
    """Resident megabytes of a process by `KINDS`, and of its resident memory by `PLACES`."""
    found: Counter[str] = Counter()
    place = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if mapping := _MAPPING.fullmatch(line):
            name = mapping.group(1)
            place = "files" if name.startswith("/") else "anonymous"
            place = "heap" if name == "[heap]" else place
        elif (amount := _KB.match(line)) is not None:
            name, kb = amount.group(1), int(amount.group(2))
            found["Private" if name.startswith("Private_") else name] += kb
            found[place] += kb if name == "Rss" else 0
    return {name: found[name] * 1024 / 1e6 for name in (*KINDS, *PLACES)}


async def _ask(http: aiohttp.ClientSession, url: str, text: str, model: str) -> None:
    messages = [{"role": "user", "content": text}]
    body = {"model": model, "messages": messages, "max_tokens": 50}
    async with http.post(url, json=body, headers={"authorization": "Bearer sk-x"}) as answer:
        await answer.read()
        if answer.status >= 500:
            raise SystemExit(f"The gateway answered {answer.status} to {text!r}.")


async def measured(checkout: Path, upstream: int, requests: int) -> dict[str, float]:
    """One start of a checkout's gateway: figures by moment and kind, seconds, CPU a request."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    port, config = free_port(), WORK / "shortstop.toml"
    config.write_text(CONFIG.format(port=port, upstream=upstream))
    python = str(checkout / ".venv" / "bin" / "python")
    command = [python, "-m", "shortstop", "serve", "--config", str(config)]
    env = {"SHORTSTOP_HOME": str(WORK / "home"), "MOCK_KEY": "k"}
    log, url = WORK / "log.txt", f"http://127.0.0.1:{port}/v1/chat/completions"
    with running(command, log, cwd=WORK, env=env) as gateway:
        began = time.monotonic()
        await listening(port, gateway, log)
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{port}/health") as health:  # once it is ready
                await health.read()
            result = {"start_s": time.monotonic() - began, "start_cpu_s": cpu_seconds(gateway.pid)}
            at = {"start": memory_mb(gateway.pid)}
            first, *more = texts(1 + requests)
            await _ask(http, url, first, "mock")
            at["first"] = memory_mb(gateway.pid)
            before = cpu_seconds(gateway.pid)
            for i, text in enumerate(more):
                await _ask(http, url, text, "auto" if i % 2 else "mock")
            result["cpu_us"] = (cpu_seconds(gateway.pid) - before) / requests * 1e6
            at["mixed"] = memory_mb(gateway.pid)
    for moment, figures in at.items():
        result |= {f"{moment} {kind}": value for kind, value in figures.items()}
    return result


async def run(
    rounds: int, requests: int, checkouts: dict[str, Path]
) -> dict[str, dict[str, float]]:
    """By the checkout's name the medians of each figure."""
    upstream = free_port()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
    (ROOT / "var").mkdir(exist_ok=True)
    log = ROOT / "var" / "memory_upstream.log"
    mock = module("bench.mock_upstream", "--port", str(upstream))
    with running(mock, log) as model_server:
        await listening(upstream, model_server, log)
        for _ in range(rounds):
            for name, checkout in checkouts.items():
                found[name].append(await measured(checkout, upstream, requests))
    return {
        name: {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        for name, rows in found.items()
    }


def show(result: dict[str, dict[str, float]]) -> None:
    table = Table(title="Memory of the gateway, MB (medians)")
    table.add_column("checkout")
    for name in ("at", *KINDS, *PLACES):
        table.add_column(name, justify="right")
    for name, figures in result.items():
        for moment in MOMENTS:
            row = [f"{figures[f'{moment} {kind}']:.1f}" for kind in (*KINDS, *PLACES)]
            table.add_row(name, moment, *row)
    console = Console()
    console.print(table)
    for name, figures in result.items():
        console.print(
            f"{name}: answers after {figures['start_s']:.2f} s "
            f"({figures['start_cpu_s']:.2f} s of CPU), {figures['cpu_us']:.0f} us of CPU a request"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Where the gateway's memory goes.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--before", type=Path, help="another checkout with its own .venv")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    checkouts = {"before": options.before} if options.before else {}
    checkouts["now"] = ROOT
    result = asyncio.run(run(options.rounds, options.requests, checkouts))
    print(json.dumps(result, indent=2)) if options.json else show(result)


if __name__ == "__main__":
    main()
