"""What the router itself takes: the time of a decision, and the memory of many."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from shortstop.config import Config
from shortstop.errors import ConfigError
from shortstop.routing import LearnedRouter, Pair, dump_state, packaged
from shortstop.types import Caller, Clearance, Message, Reach, Request, Target, Text, Tier

PROMPT_CHARS = 800
"""Characters of a prompt of about 200 tokens."""
SMALL, BIG = "small", "big"

_OPEN = Clearance(Tier.S0, Reach.ANYWHERE)


class DecisionTime(Struct, frozen=True):
    """Milliseconds over `n` prompts of `chars` characters: by the clock and of the thread's CPU."""

    p50: float
    p95: float
    cpu_p50: float
    cpu_p95: float
    n: int
    chars: int


class Memory(Struct, frozen=True):
    """What remembering `requests` took: growth of the process, and the snapshot on disk."""

    requests: int
    pairs: int
    grown_mb: float
    snapshot_mb: float


def decision_time(prompts: Sequence[str], n: int = 1500, chars: int = PROMPT_CHARS) -> DecisionTime:
    """The time of `n` decisions; every other one is followed by a pair.

    Raises ConfigError where the prompts have no text.
    """
    if not any(prompts):
        raise ConfigError("The table's prompts are empty.")
    router = _new_router()
    wall, cpu = [], []
    for i in range(n):
        request = _request(prompts, i, chars)
        began, used = time.perf_counter(), time.thread_time()
        router.decide(request, _OPEN, Caller())
        wall.append(1e3 * (time.perf_counter() - began))
        cpu.append(1e3 * (time.thread_time() - used))
        if i % 2:
            router.pair(_pair(request, i))
    p50, p95 = np.quantile(wall, [0.5, 0.95]).round(3).tolist()
    cpu_p50, cpu_p95 = np.quantile(cpu, [0.5, 0.95]).round(3).tolist()
    return DecisionTime(p50, p95, cpu_p50, cpu_p95, n, chars)


def memory(prompts: Sequence[str], n: int = 100_000, chars: int = PROMPT_CHARS) -> Memory:
    """Decide `n` requests, each in its own conversation; one in eight is paired."""
    router = _new_router()
    before, pairs = _resident_mb(), 0
    for i in range(n):
        request = _request(prompts, i, chars)
        router.decide(request, _OPEN, Caller(conversation=f"c{i}"))
        router.state.record_turn(f"default/c{i}", SMALL, request.id)
        if i % 8 == 0:
            pairs += router.pair(_pair(request, i))
    return Memory(n, pairs, _resident_mb() - before, len(dump_state(router.state)) / 1e6)


def _new_router() -> LearnedRouter:
    targets = [
        Target(SMALL, SMALL, True, "embedded", 8192),
        Target(BIG, BIG, False, "openai", 128_000),
    ]
    return LearnedRouter({t.name: t for t in targets}, Config(), None, packaged())


def _pair(request: Request, i: int) -> Pair:
    return Pair(request.id, BIG, SMALL, float(i % 3 > 0))


def _request(prompts: Sequence[str], i: int, chars: int) -> Request:
    """Other prompts each time: what was met before is quicker to read."""
    place, text = 3 * i, f"{i} "
    while len(text) < chars:
        text += prompts[place % len(prompts)] + "\n"
        place += 1
    text = text[:chars]
    return Request(f"r{i}", "openai.chat", {}, "auto", (Message("user", (Text(text),)),))


def _resident_mb() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
