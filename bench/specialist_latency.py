"""How long a label head takes to answer, through the whole gateway and its child process.

    python -m bench.specialist_latency [--requests 500] [--at-once 1] [--json]

A head for 20 labels is trained on 1,000 made-up sentences, placed live, and believed by a router
state of this program's own making. The frontier answers at once. Half of the requests are streams.
Needs the extra [learn] and the sentence encoder (`shortstop pull minilm-l6`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from bench.processes import ROOT, free_port, listening, module, running
from shortstop import registry
from shortstop.flywheel.head.train import plain_head
from shortstop.registry.placements import FOLDER, Placement, Placements
from shortstop.routing import State, dump_state, packaged
from shortstop.specialists.artefact import Lineage, Manifest, write
from shortstop.specialists.encoder import SentenceEncoder
from shortstop.specialists.head.files import dump_head
from shortstop.specialists.opinion import Gate

WORK = ROOT / "var" / "specialist"
TASK, TENANT = "sort", "default"
CONFIG = """
[server]
port = {port}
[models.small]
url = "http://127.0.0.1:9/v1"
[upstreams.vendor]
base_url = "http://127.0.0.1:{far}/v1"
[upstreams.vendor.models.big]
price = "gpt-6.1-sol"
[routing]
exploration = 0.0
shadow_rate = 0.0
[privacy]
timeout = 30
"""
WORDS = """
card loan fee account transfer pin branch mortgage savings currency statement refund overdraft
insurance tax cheque limit fraud app salary
"""
TOPICS = WORDS.split()
FORMS = (
    "please help me with my {}, number {}", "what happened to the {} of case {}",
    "I want to change my {} ({})", "why is there a {} on line {}", "cancel the {} from form {}",
)  # fmt: skip


def sentences(n: int, seed: int) -> tuple[list[str], list[str]]:
    chance = random.Random(seed)
    labels = [chance.choice(TOPICS) for _ in range(n)]
    return [chance.choice(FORMS).format(one, chance.randrange(10**6)) for one in labels], labels


def placed(home: Path) -> str:
    """The name of a head that is live and believed below `home`."""
    vocabulary, _, _ = packaged().embedder.parts()
    encoder = SentenceEncoder(registry.encoder_file(home), vocabulary, threads=2)
    texts, labels = sentences(1000, 1)
    head = plain_head(texts, labels, encoder.encode(texts))
    lineage = Lineage("made-up", len(texts), ("big",), time.time())
    manifest = Manifest("label-head", TENANT, TASK, Gate({"all": 0.0}), lineage)
    name = write(home / FOLDER, manifest, dump_head(head)).name
    Placements(home).place(Placement(name, TENANT, TASK, "live", time.time(), "a benchmark"))
    state = State()
    state.evidence_for(TENANT, f"{TASK}|{name}={name}").pairs = 60
    (home / "brain.bin").write_bytes(dump_state(state))
    return name


async def ask(http: aiohttp.ClientSession, text: str, name: str, *, stream: bool) -> float:
    body = {"model": "auto", "stream": stream, "messages": [{"role": "user", "content": text}]}
    started = time.perf_counter()
    async with http.post("/v1/chat/completions", json=body) as answer:
        await answer.read()
        served = answer.headers.get("x-shortstop-specialist")
    if served != name:
        raise RuntimeError(f"answered by {served}: {answer.headers.get('x-shortstop-decision')}")
    return time.perf_counter() - started


async def run(requests: int, at_once: int) -> dict[str, Any]:
    shutil.rmtree(WORK, ignore_errors=True)
    home = WORK / "home"
    home.mkdir(parents=True)
    (home / "encoders").symlink_to(registry.home(None, os.environ) / "encoders")
    name = placed(home)
    port, far = free_port(), free_port()
    config = WORK / "shortstop.toml"
    config.write_text(CONFIG.format(port=port, far=far))
    texts, _ = sentences(requests, 2)
    upstream = module("bench.mock_upstream", "--port", str(far))
    log = WORK / "log.txt"
    gateway = module("shortstop", "serve", "--config", str(config))
    with (
        running(upstream, WORK / "far.txt"),
        running(gateway, log, env={"SHORTSTOP_HOME": str(home)}) as serving,
    ):
        await listening(port, serving, log)
        url, task = f"http://127.0.0.1:{port}", {"x-shortstop-task": TASK}
        async with aiohttp.ClientSession(url, headers=task) as http:
            await (await http.get("/health")).read()  # its socket is open before it serves
            first = await ask(http, texts[0], name, stream=False)
            turn = asyncio.Semaphore(at_once)

            async def one(number: int, text: str) -> float:
                async with turn:
                    return await ask(http, text, name, stream=bool(number % 2))

            began = time.perf_counter()
            took = await asyncio.gather(*(one(i, text) for i, text in enumerate(texts)))
            seconds = time.perf_counter() - began
    cuts = statistics.quantiles(took, n=100)
    return {
        "requests": requests,
        "at_once": at_once,
        "first_ms": round(1000 * first, 1),
        "p50_ms": round(1000 * cuts[49], 1),
        "p95_ms": round(1000 * cuts[94], 1),
        "per_second": round(requests / seconds, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = asyncio.run(run(given.requests, given.at_once))
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    sys.stdout.write(
        f"{found['requests']} requests, {found['at_once']} at a time: p50 {found['p50_ms']} ms,"
        f" p95 {found['p95_ms']} ms, first {found['first_ms']} ms, {found['per_second']} a second"
        f" (load average {found['load']})\n"
    )


if __name__ == "__main__":
    main()
