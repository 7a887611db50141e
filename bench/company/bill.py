"""What the all-LLM bill of each mix consists of, and so how much could be saved at best.

    python -m bench.company.bill [--data DIR] [--seed N] [--json]

The last of five days at the frontier's list price; nothing is asked. The *ceiling* is what
everything but hard requests costs: what would be saved if all of that were answered for nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.company import measure, mixes, setting
from bench.company.apps import App, applications
from bench.company.company import Choices
from bench.company.sources import read
from bench.company.stream import Stream, plan
from bench.company.teacher import Teacher
from bench.processes import ROOT

HARD = "hard"
DATA = ROOT.parent / "shared" / "data" / "tasks"


def mean_costs(apps: Sequence[App], seed: int, at: float) -> dict[str, float]:
    """US dollars of a request of each kind on the last day."""
    choices = Choices()
    days = choices.days
    calendar = plan(apps, days, seed)
    volumes = mixes.volumes("all", {app.kind for app in apps}, 1.0)
    teacher = Teacher(apps, calendar.policy, choices.error, seed)
    stream = Stream(apps, calendar, {"": teacher}, volumes, seed)
    asks = [stream.day(day) for day in range(1, days + 1)][-1]
    prices = measure.PriceList(at)
    costs = defaultdict(list)
    for ask in asks:
        costs[ask.kind].append(prices(setting.FRONTIER, ask.tokens))
    return {kind: sum(all_of) / len(all_of) for kind, all_of in costs.items()}


def spend_shares(mix: str, costs: dict[str, float]) -> dict[str, float]:
    """Kind -> its share of the mix's bill."""
    spent = {kind: share * costs[kind] for kind, share in mixes.shares(mix, set(costs)).items()}
    whole = sum(spent.values())
    return {kind: one / whole for kind, one in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.company.bill")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    costs = mean_costs(applications(read(asked.data)[0]), asked.seed, time.time())
    bills = {mix: spend_shares(mix, costs) for mix in mixes.MIXES}
    if asked.json:
        print(json.dumps({"usd_per_request": costs, "spend": bills}, indent=1))
        return
    print("a request: " + ", ".join(f"{kind} ${usd:.5f}" for kind, usd in sorted(costs.items())))
    for mix, shares in bills.items():
        told = ", ".join(f"{kind} {one:.0%}" for kind, one in shares.items())
        print(f"{mix}: ceiling {1 - shares.get(HARD, 0.0):.0%} ({told})")


if __name__ == "__main__":
    main()
