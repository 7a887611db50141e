"""How long short tasks take on the embedded engine, through the whole gateway.

    make bench-local     (or: python -m bench.local_latency [--rounds 5] [--cpu wheel] [--json])

Short: about 60 prompt tokens of which 45 are a prefix shared with the request before, at most 12
tokens out. Cold: about 200 prompt tokens never seen, at most 12 out. Long: about 1,300, at most 40.
Label: the short task, answered by one of the trays as JSON under a schema. Call: one of four tools,
the same ones in every request. One request at a time. Where `shortstop engine build` has made a CPU
module, once with the wheel's code and once with the module; `--cpu` names one of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import openai

from bench.processes import ROOT, children, free_port, listening, module, rss_mb, running
from bench.tools import ASKED, TOOLS
from shortstop import registry
from shortstop.app.engines import speed_book
from shortstop.serving.engines import modules

WORK = ROOT / "var" / "local"
CONFIG = """
[server]
port = {port}
[engine]
cpu = "{cpu}"
[models.small]
source = "builtin"
"""
SYSTEM = (
    "You sort the messages of a company into the right tray. Trays: invoices, complaints, orders, "
    "jobs, press, other. Answer with the tray only."
)
WORDS = [
    "red",
    "blue",
    "table",
    "river",
    "seven",
    "music",
    "paper",
    "green",
    "window",
    "letter",
    "stone",
    "cloud",
    "engine",
]
TRAYS = ["invoices", "complaints", "orders", "jobs", "press", "other"]
LABEL: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "mail",
        "schema": {
            "type": "object",
            "properties": {"tray": {"enum": TRAYS}},
            "required": ["tray"],
            "additionalProperties": False,
        },
    },
}
HELPFUL = "You help by calling tools."
EACH = 20
OFFERED = ("get_weather", "send_email", "set_alarm", "translate")
WISHES = [wish for name in OFFERED for wish in ASKED[name]]
CALL: dict[str, Any] = {
    "tools": [TOOLS[name] for name in OFFERED],
    "tool_choice": "required",
    "parallel_tool_calls": False,
}
KINDS = ("short_ms", "cold_200_ms", "cold_1300_ms", "label_ms", "call_ms")


def messages(system: str, user: str) -> list[Any]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


async def ask(
    client: openai.AsyncOpenAI, system: str, user: str, most: int = 12, **more: Any
) -> float:
    started = time.perf_counter()
    await client.chat.completions.create(
        model="local", messages=messages(system, user), max_tokens=most, **more
    )
    return time.perf_counter() - started


def codes() -> list[str]:
    """Settings of `[engine] cpu` that differ here: the wheel's code, and a module where one is."""
    built = modules.found("auto", registry.home(None, os.environ))
    return ["wheel", *built[:1]]


async def run(rounds: int, cpu: str) -> dict[str, Any]:
    shutil.rmtree(WORK, ignore_errors=True)
    home = WORK / "home"
    home.mkdir(parents=True)
    (home / "models").symlink_to(registry.home(None, os.environ) / "models")
    port = free_port()
    config = WORK / "shortstop.toml"
    config.write_text(CONFIG.format(port=port, cpu=cpu))
    chance = random.Random(7)
    took: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    began = time.monotonic()
    command, log = module("shortstop", "serve", "--config", str(config)), WORK / "log.txt"
    with running(command, log, env={"SHORTSTOP_HOME": str(home)}) as gateway:
        await listening(port, gateway, log)
        base = f"http://127.0.0.1:{port}/v1"
        async with openai.AsyncOpenAI(base_url=base, api_key="unused", max_retries=0) as client:
            await ask(client, SYSTEM, "hello")
            first = time.monotonic() - began
            for _ in range(rounds):
                for kind, seconds in (await one_round(client, chance)).items():
                    took[kind].append(seconds)
        return {
            "cpu": cpu,
            "threads": _threads(home),
            "rounds": rounds,
            "start_to_first_answer_s": first,
            **{kind: _quantiles(rounds_of) for kind, rounds_of in took.items()},
            "rss_gateway_mb": rss_mb(gateway.pid),
            "rss_engine_mb": sum(rss_mb(child) for child in children(gateway.pid)),
        }


async def one_round(client: openai.AsyncOpenAI, chance: random.Random) -> dict[str, list[float]]:
    """Seconds of each request, by kind."""

    def parcel() -> str:
        return f"Where is my {chance.choice(WORDS)} parcel?"

    def cold(words: int) -> str:
        return " ".join(chance.choices(WORDS, k=words))

    few = range(EACH // 4)
    return {
        "short_ms": [await ask(client, SYSTEM, parcel()) for _ in range(EACH)],
        "cold_200_ms": [await ask(client, cold(160), "Go on.") for _ in few],
        "cold_1300_ms": [await ask(client, cold(1150), "Go on.", 40) for _ in range(2)],
        "label_ms": [
            await ask(client, SYSTEM, parcel(), response_format=LABEL) for _ in range(EACH)
        ],
        "call_ms": [await ask(client, HELPFUL, chance.choice(WISHES), 120, **CALL) for _ in few],
    }


def _threads(home: Path) -> str:
    """As the gateway has measured them at its start."""
    models = registry.open(home)
    record = models.find("builtin")
    known = speed_book(models).find(record.path) if record is not None else None
    if known is None:
        return "threads not measured"
    tried = ", ".join(f"{one.decode:.0f}/s by {one.threads}" for one in known.speeds)
    return f"{known.best.threads} of the threads tried ({tried})"


def _quantiles(rounds: list[list[float]]) -> dict[str, float]:
    """Medians over the rounds of each round's p50 and p95, in milliseconds."""
    return {
        "p50": statistics.median(statistics.median(r) for r in rounds) * 1e3,
        "p95": statistics.median(sorted(r)[math.ceil(0.95 * len(r)) - 1] for r in rounds) * 1e3,
        "n": float(sum(len(r) for r in rounds)),
    }


def show(result: dict[str, Any]) -> None:
    sys.stdout.write(f"\nwith {result['cpu']}, {result['threads']}\n")
    for name in KINDS:
        q = result[name]
        sys.stdout.write(f"{name}: p50 {q['p50']:.0f}, p95 {q['p95']:.0f}, n {q['n']:.0f}\n")
    sys.stdout.write(
        f"start to first answer {result['start_to_first_answer_s']:.2f} s; memory: gateway "
        f"{result['rss_gateway_mb']:.0f} MB, engine {result['rss_engine_mb']:.0f} MB\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Local latency.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", help="`wheel`, or a CPU module; default: both, where one is")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for code in [args.cpu] if args.cpu else codes():
        result = asyncio.run(run(args.rounds, code))
        if args.json:
            sys.stdout.write(json.dumps(result) + "\n")
        else:
            show(result)
