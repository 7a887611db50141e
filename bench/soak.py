"""A long mixed load on a gateway: does memory grow, a slot stick, is a row lost or doubled?

    make soak                  (or: python -m bench.soak [--minutes 60] [--json])

Whole and streamed answers by name and by `auto`, from both dialects; clients that leave at random
moments; upstream failures (429, 500, garbage, streams cut off); feedback; a reload every half
minute. Behind the gateway stand scripted models. Afterwards every acknowledged request must have
exactly one row.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import Progress
from tests.server.conftest import Gateway, running_gateway

from bench.processes import rss_mb

CLIENTS = 16
SAMPLE_SECONDS = 5.0
RELOAD_SECONDS = 30.0
PROMPTS = (
    *("!say fine",) * 12,
    "!status 429 retry=0",
    "!status 500",
    "!garbage",
    "!half",
    "!error-event",
    "!slow",
    "!hang",
)


@dataclass
class Tally:
    """What the clients received. `acknowledged`: ids of answers that came whole. `memory`: seconds
    since the start, resident megabytes."""

    acknowledged: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)


async def client(gateway: Gateway, tally: Tally, number: int, until: float) -> None:
    draw = random.Random(number)
    while time.monotonic() < until:
        stream, prompt = draw.random() < 0.4, draw.choice(PROMPTS)
        model = draw.choice(("big", "small", "auto"))
        path, body = _request(draw, prompt, model, stream)
        patience = draw.choice((0.01, 0.05, 0.3)) if draw.random() < 0.15 else 10.0
        if prompt in ("!slow", "!hang"):
            patience = draw.uniform(0.01, 0.5)
        try:
            async with asyncio.timeout(patience), gateway.http.post(path, json=body) as answer:
                await answer.read()
                tally.outcomes[str(answer.status)] += 1
                if answer.status == 200 and not stream:
                    tally.acknowledged.add(answer.headers["x-request-id"])
                    if draw.random() < 0.2:
                        await _feedback(gateway, answer.headers["x-request-id"])
        except TimeoutError:
            tally.outcomes["left"] += 1
        except aiohttp.ClientError as error:
            tally.outcomes[type(error).__name__] += 1


def _request(
    draw: random.Random, prompt: str, model: str, stream: bool
) -> tuple[str, dict[str, Any]]:
    text = f"{prompt} {draw.randrange(10**6)}" if prompt == "!say fine" else prompt
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 40,
        "stream": stream,
    }
    return draw.choice(("/v1/chat/completions", "/v1/messages")), body


async def _feedback(gateway: Gateway, id: str) -> None:
    async with gateway.http.post("/v1/feedback", json={"request_id": id, "score": 1}) as answer:
        await answer.read()


async def watch(gateway: Gateway, tally: Tally, began: float, until: float) -> None:
    assert gateway.process is not None
    reloaded = time.monotonic()
    while time.monotonic() < until:
        await asyncio.sleep(min(SAMPLE_SECONDS, max(0.1, until - time.monotonic())))
        tally.memory.append((time.monotonic() - began, rss_mb(gateway.process.pid)))
        if time.monotonic() - reloaded > RELOAD_SECONDS:
            gateway.process.send_signal(signal.SIGHUP)
            reloaded = time.monotonic()


async def settled(gateway: Gateway) -> dict[str, float]:
    """The engine's queue once every client has left."""
    for _ in range(50):
        async with gateway.http.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        queue = {
            line.split(" ")[0]: float(line.split(" ")[1])
            for line in lines
            if line.startswith("shortstop_engine_")
        }
        if not any(queue.values()):
            break
        await asyncio.sleep(0.1)
    return queue


def slope(memory: list[tuple[float, float]]) -> tuple[float, float, float]:
    """MB an hour over the second half, by Theil-Sen, with the middle 95 % of the pairs' slopes."""
    half = memory[len(memory) // 2 :]
    pairs = sorted(
        3600 * (b[1] - a[1]) / (b[0] - a[0])
        for i, a in enumerate(half)
        for b in half[i + 1 :]
        if b[0] > a[0]
    )
    if not pairs:
        return 0.0, 0.0, 0.0
    last = len(pairs) - 1
    return statistics.median(pairs), pairs[int(0.025 * last)], pairs[int(0.975 * last)]


async def run(minutes: float, quiet: bool) -> dict[str, Any]:
    tally = Tally()
    with tempfile.TemporaryDirectory() as home:
        async with running_gateway(Path(home)) as gateway:
            began = time.monotonic()
            until = began + 60 * minutes
            with Progress(console=Console(stderr=True), disable=quiet) as bar:
                task = bar.add_task("soaking", total=60 * minutes)
                work = asyncio.gather(
                    watch(gateway, tally, began, until),
                    *(client(gateway, tally, n, until) for n in range(CLIENTS)),
                )
                while not work.done():
                    bar.update(task, completed=time.monotonic() - began)
                    await asyncio.sleep(0.5)
                await work
            slots = await settled(gateway)
            await gateway.stop()
            with sqlite3.connect(gateway.home / "traces.db") as db:
                ids = [row[0] for row in db.execute("SELECT id FROM traces")]
    median, low, high = slope(tally.memory)
    return {
        "minutes": minutes,
        "requests": sum(tally.outcomes.values()),
        "outcomes": dict(tally.outcomes),
        "acknowledged": len(tally.acknowledged),
        "rows": len(ids),
        "lost": len(tally.acknowledged - set(ids)),
        "doubled": len(ids) - len(set(ids)),
        "stuck_slots": sum(slots.values()),
        "rss_first_mb": tally.memory[0][1] if tally.memory else 0.0,
        "rss_last_mb": tally.memory[-1][1] if tally.memory else 0.0,
        "mb_per_hour": [median, low, high],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A long mixed load.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = asyncio.run(run(args.minutes, args.json))
    sys.stdout.write(json.dumps(result, indent=None if args.json else 2) + "\n")
    bad = result["lost"] or result["doubled"] or result["stuck_slots"]
    raise SystemExit(1 if bad else 0)
