"""Whether `shortstop backtest` foretells a company's last day from the log of those before.

    python -m bench.company.foresight WORK [--figures FILE] [--since EPOCH] [--json]

WORK is the folder of a run of `python -m bench.company` (var/company/seed-0), FILE its --json.
The rows until the last day are exported and read by `shortstop backtest` as anybody's log would be;
beside the share of each task that it says specialists could answer stands what they answered on the
last day. A prediction is met where the 90 % intervals of both overlap.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.company import books
from bench.company.setting import TENANT
from bench.processes import ROOT, module
from shortstop.backtest.outlook import Z90
from shortstop.evaluate.figures import wilson
from shortstop.types import Trace

ALL = "all of these"
WATCH = "watch"
"""The street's own requests at night are no task of the company's."""
Json = dict[str, Any]


class Share(NamedTuple):
    """A share of requests with its 90 % interval."""

    value: float
    low: float
    high: float

    def meets(self, other: Share) -> bool:
        return self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%}-{self.high:.1%})"


class Foresight(NamedTuple):
    """One task, or all: what the log foretold, and what came, of `requests`."""

    task: str
    requests: int
    foretold: Share
    came: Share

    @property
    def met(self) -> bool:
        return self.foretold.meets(self.came)


def answered(rows: Iterable[Trace]) -> dict[str, list[bool]]:
    """By task: of each request that was answered, whether by a specialist."""
    found: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row.decision is not None and row.outcome == "ok" and row.decision.task != WATCH:
            found[row.decision.task].append(row.specialist is not None)
    return found


def compared(backtest: Json, came: Mapping[str, Sequence[bool]]) -> list[Foresight]:
    """The tasks that the log holds and the last day too, the most asked first; then all of these,
    as foretold for the volumes of the last day."""
    told = {one["task"]: (one["name"], one["local"]) for one in backtest["tasks"]}
    lines = [
        Foresight(told[task][0], len(served), Share(**told[task][1]), _share(served))
        for task, served in came.items()
        if task in told
    ]
    lines.sort(key=lambda line: -line.requests)
    served = [one for task in came if task in told for one in came[task]]
    return [*lines, Foresight(ALL, len(served), _together(lines), _share(served))]


def _together(lines: Sequence[Foresight]) -> Share:
    """What is foretold of all: tasks err by themselves, so the squares of their margins add up."""
    n = sum(line.requests for line in lines)
    value = sum(line.requests * line.foretold.value for line in lines) / n

    def margin(ends: Callable[[Share], float]) -> float:
        return math.sqrt(sum((line.requests * ends(line.foretold)) ** 2 for line in lines)) / n

    below, above = margin(lambda s: s.value - s.low), margin(lambda s: s.high - s.value)
    return Share(value, max(0.0, value - below), min(1.0, value + above))


def _share(served: Sequence[bool]) -> Share:
    return Share(sum(served) / len(served), *wilson(sum(served), len(served), Z90))


def foreseen(config: Path, since: float) -> tuple[Json, list[Foresight]]:
    """What the log until `since` foretold of the rows from then on. Raises SystemExit."""
    came = answered(books.reader(config).traces(since=since, until=time.time()))
    if not came:
        sys.exit(f"{config.parent} holds no requests since {since}.")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        until = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
        _run(config, "traces", "export", "--tenant", TENANT, "--until", until, "--out", str(log))
        _leave_out_watch(log)
        told = json.loads(_run(config, "backtest", str(log), "--json", "--minutes", "15"))
    return told, compared(told, came)


def _leave_out_watch(log: Path) -> None:
    lines = log.read_text("utf-8").splitlines(keepends=True)
    kept = [x for x in lines if (json.loads(x).get("decision") or {}).get("task") != WATCH]
    log.write_text("".join(kept), "utf-8")


def _run(config: Path, *command: str) -> str:
    done = subprocess.run(
        [*module("shortstop", *command), "--config", str(config)],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"shortstop {command[0]}: {done.stderr.strip()}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.company.foresight")
    parser.add_argument("work", type=Path, help="the folder of a run, such as var/company/seed-0")
    parser.add_argument("--figures", type=Path, help="what the run wrote with --json")
    parser.add_argument("--since", type=float, help="when the last day began, seconds since 1970")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.since is None and args.figures is None:
        parser.error("say when the last day began: --figures FILE or --since EPOCH")
    since = args.since or json.loads(args.figures.read_text("utf-8"))[-1]["days"][-1]["since"]
    told, lines = foreseen(args.work / "shortstop.toml", since)
    if args.json:
        print(json.dumps([line._asdict() for line in lines], indent=1))
        return
    table = Table("task", "requests", "foretold", "came", "met")
    for line in lines:
        met = "yes" if line.met else "no"
        table.add_row(line.task, str(line.requests), str(line.foretold), str(line.came), met)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    print(f"From {told['requests']:,} requests of the days before, in {told['seconds']:.0f} s.")


if __name__ == "__main__":
    main()
