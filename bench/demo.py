"""`make demo`: the first two days of a small company, and the night between them.

Day one escalates and is recorded; at night the workshop learns, with its own progress bar; on day
two specialists answer. A real gateway, real inference and real learning; the frontier is simulated
(bench/company/frontier.py). Ends with a page, var/demo/report.html, and var/demo/figures.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.company import page
from bench.company.company import Choices, Company
from bench.company.night import Watch, changes
from bench.company.setting import ENV, Setting
from bench.company.sources import read
from bench.processes import ROOT, module
from shortstop.registry.placements import Placements

DATA = ROOT / "bench" / "data" / "company"
WORK = ROOT / "var" / "demo"
"""Where the demo of a checkout works."""
MIX = "equal"
CHOICES = Choices(mix="all", days=2, scale=1.5, rest=0.0, pause=40.0, looks=0)
Json = dict[str, Any]


async def visible_night(setting: Setting, watch: Watch, rest: float, console: Console) -> Json:
    """`shortstop learn` as an operator sees it. What it has put on trial is then promoted by hand:
    to go live by itself it would need another day. What is not proven stays unseen."""
    started = time.monotonic()
    placements = Placements(setting.home)
    status = await _shown(console, setting, "learn")
    learned = placements.all()
    for one in learned:
        if one.state == "canary":
            await _shown(console, setting, "specialists", "promote", one.name)
    return {
        "seconds": round(time.monotonic() - started, 1),
        "status": status,
        "error": "",
        "placed": [*changes([], learned), *changes(learned, placements.all())],
    }


async def _shown(console: Console, setting: Setting, *command: str) -> int:
    """The exit status of a command that prints for itself."""
    console.print(f"$ shortstop {' '.join(command)}", style="bold")
    child = await asyncio.create_subprocess_exec(
        *module("shortstop", *command, "--config", str(setting.config)),
        cwd=ROOT,
        env={**os.environ, **ENV},
    )
    return await child.wait()


def summary(days: list[Json]) -> Table:
    """The change from day to day."""
    table = Table(title="What the night has changed")
    table.add_column("")
    for day in days:
        table.add_column(f"day {day['day']}", justify="right")

    def row(name: str, values: list[str]) -> None:
        table.add_row(name, *values)

    mixes = [day["mixes"][MIX] for day in days]
    row("requests", [str(day["requests"]) for day in days])
    row("answered locally", [f"{mix['local']['value']:.1%}" for mix in mixes])
    row("of them pinned by privacy", [f"{mix['pinned']['value']:.1%}" for mix in mixes])
    row("cost against all-LLM", [f"{mix['cost_usd'] / mix['all_llm_usd']:.1%}" for mix in mixes])
    row("right against gold", [f"{mix['right']['value']:.1%}" for mix in mixes])
    row("frontier alone", [f"{mix['frontier_right']['value']:.1%}" for mix in mixes])
    for name in sorted({by for day in days for by in day["latency"]}):
        told = [day["latency"].get(name, {"n": 0}) for day in days]
        row(
            f"{name}: p50 / p95 ms",
            [f"{t['p50_ms']:.0f} / {t['p95_ms']:.0f}" if t["n"] else "-" for t in told],
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="The demo.")
    parser.add_argument("--scale", type=float, default=CHOICES.scale, help="of a day's requests")
    parser.add_argument("--work", type=Path, default=WORK, help="the folder to work in")
    chosen = parser.parse_args()
    work = chosen.work.resolve()
    console = Console(width=None if sys.stdout.isatty() else 120)
    sources, _ = read(DATA)
    choices = Choices(**{**_fields(CHOICES), "scale": chosen.scale})
    company = Company(sources, choices, work / "run", console, visible_night)
    run = asyncio.run(company.run())
    page.write(company.setting, run, work / "report.html")
    (work / "figures.json").write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    console.print(summary(run["days"]))
    for name in ("frontier", "judge"):
        console.print(run["conditions"][name], style="dim")
    console.print(f"Report: {work / 'report.html'}; {run['seconds']:.0f} s")


def _fields(choices: Choices) -> Json:
    return {name: getattr(choices, name) for name in Choices.__slots__}


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
