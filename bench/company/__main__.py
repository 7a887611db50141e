"""`make bench-company`: a company's days through a real gateway, with a night of learning each.

    python -m bench.company [--quick] [--mix all|equal|support|backoffice|agents] [--data DIR]
        [--json FILE] [--html FILE] [--seed N ...] [--days N]

Prints each day, writes a page and every figure as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.company import mixes, page
from bench.company.company import Choices, Company
from bench.company.recurring import recurring
from bench.company.sources import Source, read
from bench.processes import ROOT

WORK = ROOT / "var" / "company"
SHARED = ROOT.parent / "shared" / "data"
QUICK = {"days": 3, "scale": 0.4, "rest": 10.0, "pause": 30.0}


def main() -> None:
    args = _arguments().parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    sources, unknown = _sources(args.data, args.privacy)
    for name in unknown:
        console.print(f"{name}: columns of no known kind, left out", style="dim")
    sources += recurring() if args.recurring else []
    runs = []
    for seed in args.seed:
        chosen: dict[str, Any] = {"mix": args.mix, "seed": seed, "speed": args.speed}
        chosen |= {"error": args.error, "dialect": args.dialect}
        chosen |= QUICK if args.quick else {}
        chosen |= {"days": args.days} if args.days else {}
        chosen |= {"looks": args.looks} if args.looks is not None else {}
        chosen |= {"scale": args.scale} if args.scale else {}
        company = Company(sources, Choices(**chosen), args.work / f"seed-{seed}", console)
        run = asyncio.run(company.run())
        runs.append(run)
        html = args.html or args.work / f"seed-{seed}.html"
        page.write(company.setting, run, html)
        console.print(f"Page: {html}; {run['seconds']:.0f} s")
        if args.json:  # after each seed: an interrupted one loses only itself
            args.json.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.company")
    parser.add_argument("--data", type=Path, default=SHARED / "tasks")
    parser.add_argument("--privacy", type=Path, help="sensitive texts; default: beside --data")
    parser.add_argument("--recurring", action="store_true", help="tools of three assistants, too")
    parser.add_argument("--mix", choices=["all", *mixes.MIXES], default="all")
    parser.add_argument("--quick", action="store_true", help="ten minutes")
    parser.add_argument("--days", type=int)
    parser.add_argument("--looks", type=int, help="of a day at what is proven; default: 3")
    parser.add_argument("--scale", type=float, help="of a day's volumes")
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--speed", type=float, default=20.0, help="of the frontier's clock")
    parser.add_argument("--error", type=float, default=0.07, help="of the frontier's answers")
    parser.add_argument("--dialect", choices=["anthropic", "openai"], default="anthropic")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--work", type=Path, default=WORK)
    return parser


def _sources(data: Path, privacy: Path | None) -> tuple[list[Source], list[str]]:
    """The tasks, and of the texts for privacy those that say whether they are sensitive."""
    if not data.is_dir():
        sys.exit(f"There is no folder {data}. Name one with --data.")
    sources, unknown = read(data)
    beside = privacy or data.parent / "privacy"
    beside = beside if beside.is_dir() else SHARED / "privacy"
    if beside.is_dir():
        sources += [one for one in read(beside)[0] if one.kind == "assistant"]
    if not sources:
        sys.exit(f"{data} holds no file of a known kind (see bench/company/sources.py).")
    return sources, unknown


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
