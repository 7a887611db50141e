"""`make bench-backtest`: a log of 100,000 rows, how long a backtest of it takes, and in how much
memory.

    python -m bench.backtest [--rows N] [--data DIR] [--json FILE] [--keep FILE] [--minutes M]

The log is made of the open task sets in `--data`: the requests of the company's applications
(bench/company/apps.py) over thirty days, answered by its simulated frontier, which is wrong in 7 %.
Where the sets are used up, requests come again.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.company import mixes
from bench.company.apps import App, applications
from bench.company.sources import Item, read
from bench.company.stream import count_tokens, prompt_tokens
from bench.company.teacher import Policy, Teacher
from bench.processes import ROOT, module

DATA = ROOT.parent / "shared" / "data" / "tasks"
MODEL = "claude-opus-5-5"
ERROR = 0.07
DAYS, DAY = 30, 86_400
BEGAN = 1_790_000_000
PIECE = 0.05
"""Seconds between two looks at the memory."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.backtest")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="write the log here and keep it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = args.keep or Path(folder) / "log.jsonl"
        with log.open("w", encoding="utf-8") as file:
            for row in rows(args.data, args.rows, args.seed):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        found = measured(log, args.minutes)
    print(
        f"{args.rows:,} rows, {found['megabytes']:.0f} MB: {found['seconds']:.0f} s,"
        f" {found['peak_mb']:.0f} MB of memory at most, {found['tasks_tried']} tasks learned;"
        f" {found['local_share']['value']:.0%} could be local"
    )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def rows(data: Path, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Pairs of request and response, in order of time."""
    if not data.is_dir():
        sys.exit(f"There is no folder {data}. Name one with --data.")
    chance = random.Random(seed)
    kinds = mixes.volumes("equal", {app.kind for app in applications(read(data)[0])}, 1.0)
    apps = [app for app in applications(read(data)[0]) if app.kind in kinds]
    teacher = Teacher(apps, Policy(DAYS + 1), ERROR, seed)
    asked = [_asked(app, chance) for app in apps]
    weights = [kinds[app.kind] / sum(a.kind == app.kind for a in apps) for app in apps]
    for number in range(count):
        (app,), at = chance.choices(apps, weights), BEGAN + DAYS * DAY * number / count
        yield _row(app, next(asked[apps.index(app)]), teacher, at)


def _asked(app: App, chance: random.Random) -> Iterator[Item]:
    """Every request once, in any order, then again."""
    while True:
        yield from chance.sample(app.items, len(app.items))


def _row(app: App, item: Item, teacher: Teacher, at: float) -> dict[str, Any]:
    body, answer = app.body(item), teacher.answer(app, item, 1)
    asked = prompt_tokens([m["content"] for m in body["messages"]], body.get("tools"))
    message: dict[str, Any] = {"role": "assistant", "content": answer}
    calls = _calls(answer) if app.kind == "tools" else []
    if calls:
        message = {"role": "assistant", "content": None, "tool_calls": calls}
    usage = {"prompt_tokens": asked, "completion_tokens": count_tokens(answer)}
    reply = {
        "object": "chat.completion", "id": f"c-{item.id}", "created": int(at), "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage,
    }  # fmt: skip
    return {"timestamp": at, "request": {"model": MODEL, **body}, "response": reply}


def _calls(answer: str) -> list[dict[str, Any]]:
    try:
        told = json.loads(answer)
    except ValueError:
        return []
    if not isinstance(told, list):
        return []
    return [
        {"id": f"call_{n}", "type": "function",
         "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, call in enumerate(told)
        for name, arguments in [_named(call)]
    ]  # fmt: skip


def _named(call: Any) -> tuple[str, Any]:
    if isinstance(call, dict) and "name" in call:
        return str(call["name"]), call.get("arguments", {})
    name, arguments = next(iter(call.items()))
    return str(name), arguments


def measured(log: Path, minutes: float) -> dict[str, Any]:
    """The command as its user starts it, with the memory of all its processes."""
    began = time.monotonic()
    command = module("shortstop", "backtest", str(log), "--json", "--minutes", str(minutes))
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, cwd=ROOT)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, sum(map(_resident_mb, _family(process.pid))))
            time.sleep(PIECE)
        seconds = time.monotonic() - began
        out.seek(0)
        told = json.loads(out.read())
    if process.returncode:
        sys.exit(f"The backtest failed with status {process.returncode}.")
    tried = [t for t in told["tasks"] if t["trained"] or "needed" in t["why"]]
    return {
        "megabytes": log.stat().st_size / 1e6,
        "seconds": seconds,
        "peak_mb": peak,
        "tasks_tried": len(tried),
        "tasks": len(told["tasks"]),
        **{key: told[key] for key in ("local_share", "pinned_share", "saved_share", "calls")},
    }


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _resident_mb(pid: int) -> float:
    """Its own part of shared pages only."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3


if __name__ == "__main__":
    main()
