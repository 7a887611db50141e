"""`shortstop bench routing`."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer

from shortstop.cli.options import AsJson
from shortstop.cli.tables import graded
from shortstop.config import Config
from shortstop.errors import ConfigError
from shortstop.evaluate.routing import GradedAnswer, Score, examine
from shortstop.routing import LearnedRouter, Pair, packaged
from shortstop.types import Caller, Clearance, Message, Reach, Request, Target, Text, Tier

Data = Annotated[
    Path | None, typer.Option("--data", help="Parquet, CSV or JSONL with the open set's columns.")
]


def bench_routing(
    data: Data = None,
    as_json: AsJson = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write curves to this file.")] = None,
    boots: Annotated[int, typer.Option(help="Bootstrap draws for the intervals.")] = 200,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out learning curves.")] = False,
) -> None:
    """Examine the router on graded pairs: in-domain, transfer, learning, certificates."""
    whole = graded(data)
    outcome = examine(whole, boots=boots, quick=quick)
    if plot is not None:
        plot.write_text(page(outcome), encoding="utf-8")
    pace = decision_time(whole.prompts)
    room = None if quick else memory(whole.prompts)
    if as_json:
        both = {"routing": outcome, "decision_ms": pace, "memory": room}
        typer.echo(msgspec.json.format(msgspec.json.encode(both)).decode())
        return
    for line in printed(outcome):
        typer.echo(line)
    typer.echo(
        f"\nDecision time, {pace.chars} characters, n={pace.n}: p50 {pace.p50:.2f} ms, "
        f"p95 {pace.p95:.2f} ms (CPU of the thread: {pace.cpu_p50:.2f}, {pace.cpu_p95:.2f}); "
        "must 1 / 2 ms, aim 0.3 / 1"
    )
    if room is not None:
        typer.echo(
            f"Memory after {room.requests:,} requests, {room.pairs:,} of them paired: "
            f"{room.grown_mb:+.0f} MB resident, snapshot {room.snapshot_mb:.1f} MB; must 200 MB"
        )


class Pace(msgspec.Struct, frozen=True):
    """Decision time in milliseconds over `n` prompts of `chars` characters: clock and CPU."""

    p50: float
    p95: float
    cpu_p50: float
    cpu_p95: float
    n: int
    chars: int


def decision_time(prompts: Sequence[str], n: int = 1500, chars: int = 800) -> Pace:
    """A 200-token prompt is about 800 characters. Half of the decisions are followed by a pair.

    Raises ConfigError where the table has no text.
    """
    if not any(prompts):
        raise ConfigError("The table's prompts are empty.")
    brain = _fresh()
    wall, cpu = [], []
    for i in range(n):
        request = _asked(prompts, i, chars)
        began, used = time.perf_counter(), time.thread_time()
        brain.decide(request, _OPEN, Caller())
        wall.append(1e3 * (time.perf_counter() - began))
        cpu.append(1e3 * (time.thread_time() - used))
        if i % 2:
            brain.pair(Pair(request.id, float(i % 3 > 0)))
    half, most = np.quantile(wall, [0.5, 0.95]).round(3).tolist()
    own_half, own_most = np.quantile(cpu, [0.5, 0.95]).round(3).tolist()
    return Pace(half, most, own_half, own_most, n, chars)


class Room(msgspec.Struct, frozen=True):
    """What remembering `requests` took: growth of the process, and the snapshot on disk."""

    requests: int
    pairs: int
    grown_mb: float
    snapshot_mb: float


def memory(prompts: Sequence[str], n: int = 100_000, chars: int = 800) -> Room:
    """Decide `n` requests, each in its own conversation; one in eight is paired."""
    brain = _fresh()
    before, pairs = _resident(), 0
    for i in range(n):
        request = _asked(prompts, i, chars)
        brain.decide(request, _OPEN, Caller(conversation=f"c{i}"))
        brain.state.converse(f"default/c{i}", "small", request.id)
        if i % 8 == 0:
            pairs += brain.pair(Pair(request.id, float(i % 3 > 0)))
    return Room(n, pairs, _resident() - before, len(brain.snapshot()) / 1e6)


_OPEN = Clearance(Tier.S0, Reach.ANYWHERE)


def _fresh() -> LearnedRouter:
    targets = [
        Target("small", "small", True, "embedded", 8192),
        Target("big", "big", False, "openai", 128_000),
    ]
    return LearnedRouter({t.name: t for t in targets}, Config(), None, packaged())


def _asked(prompts: Sequence[str], i: int, chars: int) -> Request:
    """Other prompts each time: what was met before is quicker to read."""
    at, text = 3 * i, f"{i} "
    while len(text) < chars:
        text += prompts[at % len(prompts)] + "\n"
        at += 1
    text = text[:chars]
    return Request(f"r{i}", "openai.chat", {}, "auto", (Message("user", (Text(text),)),))


def _resident() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def printed(outcome: GradedAnswer) -> Iterable[str]:
    parts = [
        ("In-domain, 5-fold", outcome.in_domain),
        ("Transfer: learned there, examined here", outcome.transfer),
        ("Learning from own requests", outcome.learning),
        ("By domain, in-domain", outcome.domains),
    ]
    for title, scores in parts:
        if scores:
            yield f"\n{title}  (APGR [95% interval] / CPT50 / CPT80, n)"
            yield from map(_score, scores)
    for bench, routers in outcome.published.items():
        yield f"\nTo compare with, {bench}"
        for router, (apgr, half, most) in routers.items():
            yield f"  {router:46} {apgr:.3f}                / {half:4.1f} / {most:4.1f}"
    if outcome.certificates:
        yield "\nCertified local share (95% confidence)"
    for c in outcome.certificates:
        yield (
            f"  {c.method:46} {c.share.value:.1%} [{c.share.low:.1%}, {c.share.high:.1%}] at limit "
            f"{c.limit:g} from {c.labels} labels; limit broken in {c.broken.value:.1%} "
            f"[{c.broken.low:.1%}, {c.broken.high:.1%}] of {c.broken.n} replays"
        )
    for one in outcome.calibration:
        e = one.error
        yield (
            f"Calibration error of expected local quality, {one.bench}: {e.value:.3f} "
            f"[{e.low:.3f}, {e.high:.3f}] n={e.n}"
        )
    if outcome.savings:
        yield "\nQuality against cost, prompt only (share kept local, 95% intervals)"
    for step in outcome.savings[::2]:
        q, cost = step.quality, step.cost
        yield (
            f"  {step.bench} {step.local:4.0%} local: quality {q.value:.3f} "
            f"[{q.low:.3f}, {q.high:.3f}], cost {cost.value:.1%} of all-frontier "
            f"[{cost.low:.1%}, {cost.high:.1%}]  n={q.n}"
        )


SENSELESS = 3.0
"""An interval that leaves [-3, 3] says only that the models are equally good there."""


def _score(s: Score) -> str:
    if s.gap.high <= 0:
        why = (
            "no gap: the small model is as good" if s.gap.low == 0 else "the small model is better"
        )
        return f"  {s.bench + ' ' + s.router:46} {why:37} n={s.gap.n}"
    if s.apgr.low < -SENSELESS or s.apgr.high > SENSELESS:
        return f"  {s.bench + ' ' + s.router:46} {'gap too small to tell':37} n={s.gap.n}"
    return (
        f"  {s.bench + ' ' + s.router:46} {s.apgr.value:.3f} "
        f"[{s.apgr.low:.3f}, {s.apgr.high:.3f}] / {s.cpt50.value:4.1f} / {s.cpt80.value:4.1f}"
        f"  n={s.apgr.n}"
    )


def page(outcome: GradedAnswer) -> str:
    """The curves as one self-contained page: share of the gap recovered by frontier calls."""
    figures = []
    for s in outcome.in_domain + outcome.transfer:
        points = " ".join(
            f"{40 + 36 * i},{360 - 240 * min(v, 1.4):.0f}" for i, v in enumerate(s.curve)
        )
        figures.append(
            f"<figure><figcaption>{escape(s.bench)}: {escape(s.router)}, APGR {s.apgr.value:.3f}"
            f" [{s.apgr.low:.3f}, {s.apgr.high:.3f}], n={s.apgr.n}</figcaption>"
            '<svg viewBox="0 0 440 400" width="440" height="400">'
            '<path d="M40 20V360H400" fill="none" stroke="#888"/>'
            '<path d="M40 360L400 120" stroke="#bbb" stroke-dasharray="4"/>'
            f'<polyline points="{points}" fill="none" stroke="#0a6" stroke-width="2"/>'
            '<text x="150" y="392">share of frontier calls, 0 to 100%</text>'
            '<text x="4" y="14">share of the quality gap recovered (top: 1.4)</text></svg></figure>'
        )
    style = "body{font:15px sans-serif;margin:2em}figure{display:inline-block;margin:1em}"
    return (
        f"<!doctype html><meta charset='utf-8'><title>Routing</title><style>{style}</style>"
        f"<h1>Routing: quality against frontier calls</h1>{''.join(figures)}"
    )
