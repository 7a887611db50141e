"""`make demo`: real requests through the gateway, a recorded frontier behind it.

Starts both as processes, sends bench/data/demo.jsonl through the official client, shows who
answers, and ends with a summary, var/demo/report.html and var/demo/figures.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from bench.score import CHECKS
from shortstop import registry
from shortstop.console.report import Quality, quality_panel, render, wilson
from shortstop.stores.sqlite import SqliteReports
from shortstop.types.report import TrafficReport

ROOT = Path(__file__).parent.parent
DATA = ROOT / "bench" / "data" / "demo.jsonl"
WORK = ROOT / "var" / "demo"
KEY = "recorded-frontier-key"
CONCURRENCY = 4
STREAM_EVERY = 7
TEACHER = (
    "The frontier is recorded: maths answers are gpt-4-1106-preview's own, all others come from a "
    "simulated teacher (the reference, wrong in a seeded 7 % of the cases). Prices are "
    "gpt-6.1-sol's list prices; tokens are counted as characters / 4."
)

CONFIG = """
[server]
port = {port}

[models.small]
source = "builtin"

[upstreams.recorded]
base_url = "http://127.0.0.1:{frontier}/v1"
api_key_env = "RECORDED_FRONTIER_KEY"
[upstreams.recorded.models."gpt-6.1-sol"]
price = "gpt-6.1-sol"
"""


@dataclass(slots=True)
class Outcome:
    """One answered request."""

    row: dict[str, Any]
    target: str
    why: str
    seconds: float
    cost: str
    saved: str
    right: bool | None
    frontier_right: bool | None
    error: str = ""

    @property
    def local(self) -> bool:
        return self.target == "small"


@dataclass(slots=True)
class Run:
    total: int
    outcomes: list[Outcome] = field(default_factory=list)
    latest: deque[Outcome] = field(default_factory=lambda: deque(maxlen=12))

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.latest.append(outcome)


# ---------------------------------------------------------------- processes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(name: str, *command: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child that ends with the block; its output goes to var/demo/NAME.log."""
    with (WORK / f"{name}.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", *command], stdout=log, stderr=log, env=env, cwd=ROOT
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def until_listening(port: int, child: subprocess.Popen[bytes], name: str) -> None:
    for _ in range(1200):
        if child.poll() is not None:
            sys.exit(f"The {name} did not start; see {WORK / name}.log.")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    sys.exit(f"The {name} does not listen after a minute; see {WORK / name}.log.")


# ---------------------------------------------------------------- requests


async def send(client: openai.AsyncOpenAI, row: dict[str, Any], stream: bool) -> Outcome:
    asked: dict[str, Any] = {
        k: row[k] for k in ("messages", "tools", "response_format", "max_tokens") if k in row
    }
    started = time.monotonic()
    try:
        text, headers = await (_streamed if stream else _whole)(client, asked)
    except openai.APIError as error:
        spent = time.monotonic() - started
        return Outcome(row, "none", "error", spent, "-", "-", False, None, str(error)[:80])
    target = headers.get("x-shortstop-target", "?")
    return Outcome(
        row=row,
        target=target,
        why=headers.get("x-shortstop-decision", "").split(";")[0],
        seconds=time.monotonic() - started,
        cost=headers.get("x-shortstop-cost", "-"),
        saved=headers.get("x-shortstop-saved", "-"),
        right=_right(row, text, target),
        frontier_right=_right(row, _recorded(row), "frontier"),
    )


async def _whole(client: openai.AsyncOpenAI, asked: dict[str, Any]) -> tuple[str, Any]:
    raw = await client.chat.completions.with_raw_response.create(model="auto", **asked)
    message = raw.parse().choices[0].message
    if message.tool_calls:
        made = message.tool_calls[0].function
        return json.dumps({"name": made.name, "arguments": made.arguments}), raw.headers
    return message.content or "", raw.headers


async def _streamed(client: openai.AsyncOpenAI, asked: dict[str, Any]) -> tuple[str, Any]:
    text: list[str] = []
    call = client.chat.completions.with_streaming_response.create
    async with call(model="auto", stream=True, **asked) as raw:
        async for chunk in await raw.parse():
            text.extend(c.delta.content or "" for c in chunk.choices)
        return "".join(text), raw.headers


def _recorded(row: dict[str, Any]) -> str:
    return json.dumps(row["answer_call"]) if "answer_call" in row else row["answer"]


def _right(row: dict[str, Any], text: str, target: str) -> bool | None:
    if row["check"] == "stays":
        return target == "small" if target != "frontier" else None
    return CHECKS[row["check"]](text, row["gold"])


async def send_all(rows: list[dict[str, Any]], port: int, run: Run, show: Any) -> None:
    gate = asyncio.Semaphore(CONCURRENCY)
    base = f"http://127.0.0.1:{port}/v1"
    async with openai.AsyncOpenAI(base_url=base, api_key="unused", max_retries=0) as client:

        async def one(place: int, row: dict[str, Any]) -> None:
            async with gate:
                stream = place % STREAM_EVERY == 0 and "tools" not in row
                run.add(await send(client, row, stream))
                show()

        await asyncio.gather(*(one(i, row) for i, row in enumerate(rows)))


# ---------------------------------------------------------------- showing


def live_view(run: Run) -> Group:
    table = Table(title="Shortstop demo", expand=True)
    for column, side in (
        ("task", "left"),
        ("answered by", "left"),
        ("why", "left"),
        ("ms", "right"),
        ("cost $", "right"),
        ("saved $", "right"),
        ("right", "center"),
    ):
        table.add_column(column, justify=side)  # type: ignore[arg-type] # rich's literal
    for o in run.latest:
        colour = "green" if o.local else "yellow"
        mark = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[o.right]
        table.add_row(
            o.row["task"],
            f"[{colour}]{o.target}[/]",
            o.error or o.why,
            f"{o.seconds * 1000:.0f}",
            o.cost[:9],
            o.saved[:9],
            mark,
        )
    done = len(run.outcomes)
    local = sum(o.local for o in run.outcomes)
    share = f"{local / done:.0%}" if done else "-"
    totals = f"{done}/{run.total} requests, {share} answered locally"
    return Group(table, ProgressBar(total=run.total, completed=done), totals)


def summary(run: Run, report: TrafficReport, seconds: float) -> Table:
    total = report.total
    table = Table(title="Summary", show_header=False)
    table.add_row("requests", f"{len(run.outcomes)} in {seconds:.0f} s")
    table.add_row("answered locally", f"{sum(o.local for o in run.outcomes) / run.total:.1%}")
    errors = sum(bool(o.error) for o in run.outcomes)
    table.add_row("errors", str(errors))
    for name, local in (("local", True), ("frontier", False)):
        spent = sorted(o.seconds for o in run.outcomes if o.local is local and not o.error)
        if spent:
            p50, p95 = spent[len(spent) // 2], spent[int(len(spent) * 0.95)]
            table.add_row(f"{name} latency p50 / p95", f"{p50 * 1e3:.0f} / {p95 * 1e3:.0f} ms")
    table.add_row("cost", f"${total.cost:.4f}")
    table.add_row("all-LLM would have cost", f"${total.counterfactual:.4f}")
    if total.counterfactual:
        table.add_row("saved", f"{1 - float(total.cost) / float(total.counterfactual):.1%}")
    return table


def qualities(run: Run) -> list[Quality]:
    found: dict[str, list[Outcome]] = {}
    for o in run.outcomes:
        if o.right is not None:
            found.setdefault(o.row["task"], []).append(o)
    return [
        Quality(
            task,
            len(outcomes),
            sum(bool(o.right) for o in outcomes),
            None
            if outcomes[0].frontier_right is None
            else sum(bool(o.frontier_right) for o in outcomes),
        )
        for task, outcomes in sorted(found.items())
    ]


def quality_table(rows: list[Quality]) -> Table:
    table = Table(title="Quality against gold")
    for column in ("task", "n", "ours", "95 % interval", "frontier alone"):
        table.add_column(column, justify="left" if column == "task" else "right")
    for q in rows:
        low, high = wilson(q.right, q.requests)
        alone = "-" if q.frontier_right is None else f"{q.frontier_right / q.requests:.0%}"
        table.add_row(
            q.task, str(q.requests), f"{q.right / q.requests:.0%}", f"{low:.0%}-{high:.0%}", alone
        )
    return table


def figures(run: Run, report: TrafficReport, rows: list[Quality], seconds: float) -> dict[str, Any]:
    total = report.total
    return {
        "requests": len(run.outcomes),
        "seconds": round(seconds, 1),
        "errors": sum(bool(o.error) for o in run.outcomes),
        "local_share": sum(o.local for o in run.outcomes) / run.total,
        "cost_usd": str(total.cost),
        "all_llm_usd": str(total.counterfactual),
        "quality": [
            {"task": q.task, "n": q.requests, "right": q.right, "frontier_right": q.frontier_right}
            for q in rows
        ],
        "local_by_task": {
            task: [sum(o.local for o in run.outcomes if o.row["task"] == task), len(found)]
            for task in sorted({o.row["task"] for o in run.outcomes})
            if (found := [o for o in run.outcomes if o.row["task"] == task])
        },
    }


# ---------------------------------------------------------------- the job


async def main(limit: int | None) -> None:
    console = Console()
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()][:limit]
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    home = WORK / "home"
    home.mkdir()
    (home / "models").symlink_to(registry.home(None, os.environ) / "models")
    frontier, port = free_port(), free_port()
    config = WORK / "shortstop.toml"
    config.write_text(CONFIG.format(port=port, frontier=frontier))
    env = {**os.environ, "SHORTSTOP_HOME": str(home), "RECORDED_FRONTIER_KEY": KEY}
    run, started = Run(len(rows)), time.monotonic()
    with (
        process("frontier", "bench.frontier", "--port", str(frontier), env=env) as far,
        process("gateway", "shortstop", "serve", "--config", str(config), env=env) as near,
    ):
        console.print("Starting the recorded frontier and the gateway ...")
        await until_listening(frontier, far, "frontier")
        await until_listening(port, near, "gateway")
        with Live(live_view(run), console=console, refresh_per_second=4) as live:
            await send_all(rows, port, run, lambda: live.update(live_view(run)))
    seconds = time.monotonic() - started
    report = SqliteReports(home / "traces.db").summary()
    quality = qualities(run)
    page = render(report, [quality_panel(quality, TEACHER)], [TEACHER])
    (WORK / "report.html").write_text(page, encoding="utf-8")
    (WORK / "figures.json").write_text(
        json.dumps(figures(run, report, quality, seconds), indent=1) + "\n"
    )
    console.print(summary(run, report, seconds), quality_table(quality))
    console.print(TEACHER, style="dim")
    console.print(f"Report: {(WORK / 'report.html').relative_to(ROOT)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The demo.")
    parser.add_argument("--limit", type=int, help="only so many requests")
    try:
        asyncio.run(main(parser.parse_args().limit))
    except KeyboardInterrupt:
        sys.exit(130)
