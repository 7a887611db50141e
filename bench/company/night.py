"""A night: `shortstop learn` in a process of its own, and what the street notices of it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bench.company.clients import Clients, Outcome
from bench.company.frontier import record
from bench.company.measure import quantiles
from bench.company.setting import ENV, FRONTIER, Setting
from bench.company.stream import Ask
from bench.processes import ROOT, module
from shortstop.registry.placements import Placement, Placements

Json = dict[str, Any]
RATE = 10.0
"""Requests a second that watch the street, each answered by the frontier without delay."""
SYSTEM = "You confirm that messages have arrived."
ANSWER = "It has arrived."
WATCHED = Ask(
    id="watch",
    day=0,
    app="watch",
    kind="watch",
    client="openai",
    stream=False,
    task="watch",
    body={"messages": [], "max_tokens": 16},
    check="",
    gold=None,
    teacher=ANSWER,
    seconds=0.0,
    tokens=(0, 0),
)
"""What is asked to measure the street, and never counts as the company's traffic."""


class Watch:
    """Sends requests at a steady rate and measures how long they take."""

    def __init__(self, setting: Setting, clients: Clients) -> None:
        self._setting = setting
        self._clients = clients
        self._sent = 0

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[list[float]]:
        """Seconds of each request, until the block ends."""
        spent: list[float] = []
        stop = asyncio.Event()
        task = asyncio.create_task(self._watch(spent, stop))
        try:
            yield spent
        finally:
            stop.set()
            await task

    async def _watch(self, spent: list[float], stop: asyncio.Event) -> None:
        under_way: set[asyncio.Task[Outcome]] = set()
        while not stop.is_set():
            ask = self._next()
            task = asyncio.create_task(self._clients.send(ask, FRONTIER))
            task.add_done_callback(under_way.discard)
            task.add_done_callback(lambda done: spent.append(done.result().seconds))
            under_way.add(task)
            await asyncio.sleep(1 / RATE)
        await asyncio.gather(*under_way)

    def _next(self) -> Ask:
        self._sent += 1
        text = f"Message number {self._sent} of the night."
        return watched(self._setting, f"watch-{self._sent}", text)


def watched(setting: Setting, id: str, text: str) -> Ask:
    """A request that the frontier answers at once, and which it knows from now on."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    ask = replace(WATCHED, id=id, body={**WATCHED.body, "messages": messages})
    with setting.records.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**record(ask), "id": "watch"}) + "\n")
    return ask


async def night(setting: Setting, watch: Watch, rest_seconds: float) -> Json:
    """Measure the street at rest, then learn; what was learned, refused, placed, and the street."""
    async with watch.watching() as rest:
        await asyncio.sleep(rest_seconds)
    placements = Placements(setting.home)
    before = placements.all()
    started = time.monotonic()
    async with watch.watching() as learning:
        status, report, error = await learn(setting)
    at_rest, meanwhile = quantiles(rest), quantiles(learning)
    slower = None
    if at_rest["n"] and meanwhile["n"]:
        slower = round(meanwhile["p99_ms"] / at_rest["p99_ms"], 2)
    return {
        "seconds": round(time.monotonic() - started, 1),
        "status": status,
        "error": error,
        "report": report,
        "placed": changes(before, placements.all()),
        "street": {"rest": at_rest, "learning": meanwhile, "p99_ratio": slower},
    }


async def look(setting: Setting) -> Json:
    """One look of a day at what is proven: what it changed, and what went wrong."""
    placements = Placements(setting.home)
    before, started = placements.all(), time.monotonic()
    status, report, error = await learn(setting, "--look")
    judge = (report or {}).get("judge") or {}
    return {
        "seconds": round(time.monotonic() - started, 1),
        "status": status,
        "error": error,
        "judge_usd": judge.get("usd", 0.0),
        "placed": changes(before, placements.all()),
    }


async def learn(setting: Setting, *options: str) -> tuple[int, Any, str]:
    """Exit status, report, and the end of what it said on stderr."""
    child = await asyncio.create_subprocess_exec(
        *module("shortstop", "learn", *options, "--config", str(setting.config), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, **ENV},
    )
    out, err = await child.communicate()
    try:
        report = json.loads(out)
    except ValueError:
        report = None
    said = err.decode(errors="replace").strip()
    return child.returncode or 0, report, said[-500:] if child.returncode else ""


def changes(before: list[Placement], after: list[Placement]) -> list[Json]:
    """Specialists whose state is another one than before, with the reason that stands there."""
    known = {one.name: one.state for one in before}
    return [
        {
            "name": one.name,
            "task": one.task,
            "from": known.get(one.name),
            "to": one.state,
            "why": one.why,
        }
        for one in after
        if known.get(one.name) != one.state
    ]
