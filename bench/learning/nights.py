"""The company's tasks over the product's own nights and looks, without a gateway.

    python -m bench.learning.nights [--data DIR] [--days 5] [--seed N] [--kinds label] [--json FILE]

The stream, the teacher and the judge are those of the company day; what is trained, examined and
promoted is the product's. Whoever is live answers what it is sure of, but for a tenth that is
audited; a canary answers a fifth of that. Everything else is the frontier's and teaches. So it says
what learning can do with this traffic in minutes, and nothing of privacy, waits and money.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from rich.console import Console

from bench.company import mixes
from bench.company.apps import App, applications
from bench.company.recurring import recurring
from bench.company.sources import read
from bench.company.stream import Ask, Stream, plan
from bench.company.teacher import Teacher
from bench.learning.encoding import KeptEncoder
from bench.learning.noisy import Court, as_client, asked
from bench.processes import ROOT
from shortstop.flywheel.examine import sure
from shortstop.flywheel.examples import Example
from shortstop.flywheel.gather import TaskKey, TaskTraffic
from shortstop.flywheel.learn import Learned
from shortstop.flywheel.night.hearing import Dispute
from shortstop.flywheel.night.memory import TaskMemory
from shortstop.flywheel.night.report import TaskReport
from shortstop.flywheel.night.shelf import Shelf
from shortstop.flywheel.night.task import Rules, TaskNight
from shortstop.flywheel.night.umpire import NightUmpire
from shortstop.flywheel.trainer import Recipe
from shortstop.flywheel.trainers import TRAINERS, VETTED
from shortstop.flywheel.verdicts import BothGrades
from shortstop.registry.placements import Placement, Placements
from shortstop.routing import grade
from shortstop.specialists.kinds import load
from shortstop.specialists.opinion import Opinion

TARGET, JUDGE_ERROR, ERROR = 0.95, 0.1, 0.07
TARGETS = dict.fromkeys(VETTED, 0.9)
AUDITED, CANARY = 0.1, 0.2
"""Shares: of a live specialist's requests that the frontier answers as well; of what a canary is
sure of that it answers."""
LOOKS = 3
KINDS = ("label", "extract", "faq", "bank", "tools")
Json = dict[str, Any]


@dataclass
class TaskWeek:
    """One task's days. By day: `served`, `right` of it, `partly` (but for single fields)."""

    app: App
    work: Path
    seed: int
    court: Court
    encoder: KeptEncoder
    sent: int = 0
    asked: Counter[int] = field(default_factory=Counter)
    served: Counter[int] = field(default_factory=Counter)
    right: Counter[int] = field(default_factory=Counter)
    partly: Counter[int] = field(default_factory=Counter)
    reports: list[tuple[int, int, TaskReport]] = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.home = self.work / self.app.name.replace("/", "-")
        self.home.mkdir(parents=True)
        self.placements = Placements(self.home)
        self.shelf = Shelf(self.home / "specialists", lambda k, f: load(k, f, lambda: self.encoder))
        self.traffic = TaskTraffic(TaskKey("acme", self.app.name), deque())
        self.chance = random.Random(f"{self.seed} {self.app.name} street")

    def spend(self, day: int, asks: Sequence[Ask]) -> None:
        """A day's requests, with looks between, and the night after."""
        for quarter in range(LOOKS + 1):
            part = asks[
                quarter * len(asks) // (LOOKS + 1) : (quarter + 1) * len(asks) // (LOOKS + 1)
            ]
            self._street(day, part)
            self._workshop(day, quarter, trains=quarter == LOOKS)

    def _street(self, day: int, asks: Sequence[Ask]) -> None:
        placed = [(p, self.shelf.take(p.name)) for p in self.placements.serving()]
        for ask in asks:
            self.sent += 1
            self.asked[day] += 1
            row = asked(self.app, ask.id, ask.body, ask.teacher, float(self.sent))
            found = self._local(row, placed)
            if found is not None and found[1].unsure:
                self.partly[day] += 1
                found = None
            if found is None:
                self.traffic.examples.append(row)
                continue
            name, opinion = found
            told = replace(row, answer=opinion.answer, calls=opinion.calls, teacher=name)
            self.traffic.local.append(told)
            self.served[day] += 1
            self.right[day] += bool(ask.right(as_client(opinion)))

    def _local(
        self, row: Example, placed: Sequence[tuple[Placement, Learned]]
    ) -> tuple[str, Opinion] | None:
        """Whose answer it gets, and which; None for the frontier's."""
        for placement, learned in placed:
            share = {"live": 1 - AUDITED, "canary": CANARY}.get(placement.state, 0.0)
            if not share or self.chance.random() >= share:
                continue
            (opinion,) = sure(learned.specialist, learned.manifest.gate, [row])
            if opinion is not None:
                return placement.name, opinion
        return None

    def hear(self, disputes: Sequence[Dispute]) -> Sequence[BothGrades | None]:
        """Verdicts are kept as grades, as a gateway keeps them."""
        said = self.court.hear(disputes)
        for dispute, both in zip(disputes, said, strict=True):
            if both is not None:
                self.traffic.judged.setdefault(dispute.row.id, {})[dispute.specialist] = both
        return said

    def _workshop(self, day: int, quarter: int, *, trains: bool) -> None:
        began = time.monotonic()
        memory = TaskMemory(self.home, self.traffic.key)
        umpire = NightUmpire(self, memory.folder, JUDGE_ERROR)
        recipe = Recipe(
            TARGET, self.encoder, float(self.sent), self.seed, umpire=umpire, targets=TARGETS
        )
        night = TaskNight(
            self.traffic,
            memory,
            self.shelf,
            self.placements,
            Rules(recipe, TRAINERS),
            lambda answer, row: grade(None, answer, row.answer),
            court=self,
            trains=trains,
        )
        report = night.learn(lambda stage: None)
        self.reports.append((day, quarter, report))
        self.seconds += time.monotonic() - began


def weeks(data: Path, kinds: Sequence[str], days: int, seed: int, scale: float) -> Iterator[Any]:
    """Each task's days, one task after the other."""
    sources = [s for s in [*read(data)[0], *recurring()] if s.kind in kinds]
    apps = applications(sources)
    calendar = plan(apps, days, seed)
    teacher = Teacher(apps, calendar.policy, ERROR, seed)
    volumes = mixes.volumes("all", {app.kind for app in apps}, scale)
    stream = Stream(apps, calendar, {"": teacher}, volumes, seed)
    by_app: dict[str, list[list[Ask]]] = {app.name: [] for app in apps}
    gold: dict[str, Json] = {}
    for day in range(1, days + 1):
        asks = stream.day(day)
        for name, each in by_app.items():
            each.append([ask for ask in asks if ask.app == name])
        gold |= {a.id: {"key": a.id, "check": a.check, "gold": a.gold} for a in asks}
    encoder = KeptEncoder()
    with tempfile.TemporaryDirectory() as folder:
        for app in apps:
            if sum(map(len, by_app[app.name])) < 100 or app.kind not in volumes:
                continue
            week = TaskWeek(app, Path(folder), seed, Court(gold), encoder)
            for day, asks in enumerate(by_app[app.name], start=1):
                week.spend(day, asks)
            yield week


def shown(week: TaskWeek, days: int) -> Json:
    """The figures of a task's week, by day. `trail`: where each specialist stood after each look:
    day, look, kind, state, share served, pairs, mean loss, requests that are missing. `refused`:
    what was no specialist after each night: day, rows that trained, kind, why."""
    by_day = range(1, days + 1)
    return {
        "task": week.app.name,
        "kind": week.app.kind,
        "asked": [week.asked[day] for day in by_day],
        "served": [week.served[day] for day in by_day],
        "right": [week.right[day] for day in by_day],
        "partly": [week.partly[day] for day in by_day],
        "judged": week.court.claims,
        "seconds": round(week.seconds, 1),
        "trail": [
            [day, look, one.kind, one.state, one.served, one.pairs, one.loss, one.more]
            for day, look, report in week.reports
            for one in report.kinds
            if one.name
        ],
        "refused": [
            [day, report.trained, kind, why]
            for day, look, report in week.reports
            if look == LOOKS
            for kind, why in [
                ("", report.why),
                *((one.kind, one.why) for one in report.kinds if not one.name),
            ]
            if why
        ],
    }


def told(one: Json) -> str:
    """The same in a line."""
    days = zip(one["served"], one["asked"], strict=True)
    local = " ".join(f"{served / max(asked, 1):.0%}" for served, asked in days)
    served, right = sum(one["served"]), sum(one["right"])
    return (
        f"{one['task']}, seed {one['seed']}: local {local}; {right / max(served, 1):.1%} right of"
        f" {served}; {one['judged']} judged; {one['seconds']} s in the workshop"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.learning.nights")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "tasks")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of a day's volumes")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if not args.data.is_dir():
        sys.exit(f"There is no folder {args.data}. Name one with --data.")
    console, runs = Console(width=None if sys.stdout.isatty() else 160), []
    for seed in args.seed:
        for week in weeks(args.data, args.kinds.split(","), args.days, seed, args.scale):
            one = {"seed": seed, **shown(week, args.days)}
            runs.append(one)
            console.print(told(one))
            if args.json:
                args.json.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
