"""One run: the days and the nights between them, from the first request to the last figure."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.company import books, judge, measure, mixes, terminal
from bench.company.apps import App, applications
from bench.company.clients import Clients, Outcome, People, with_installed_clients
from bench.company.frontier import record
from bench.company.night import Watch, changes, look, night, watched
from bench.company.setting import (
    FRONTIER,
    JUDGE,
    Setting,
    key,
    open_for_business,
    prepared,
    shortstop,
)
from bench.company.sources import Source
from bench.company.stream import Ask, Plan, Stream, plan
from bench.company.teacher import Teacher
from shortstop.registry.placements import Placements

Json = dict[str, Any]
RIVALS = {"claude-haiku-5-5": 0.15, "claude-sonnet-5-5": 0.08}
"""Cheaper cloud models, cheapest first, and how often they are assumed to be wrong."""
WARM = (
    "My card 4111 1111 1111 1111 and IBAN DE89 3704 0044 0532 0130 00, born 1.2.1980.",
    "Mail a.b@mail.example or call +44 20 7946 0958; I live at 12 High Street, Leeds.",
    "four one one one, one one one one; acht null drei; meine Diagnose ist Diabetes.",
    "token=ghp_abcdefghijklmnopqrstuvwxyz0123456789 password: hunter2 aGVsbG8gd29ybGQ=",
    '{"total": "12.00", "lines": ["INVOICE NO 123", "TEL 03-1234567", "GST 000849813504"]}',
    "What do I do when my new card has not arrived and the rate of exchange is wrong?",
)
"""Texts for the detectors, which are loaded when they are first needed."""
WARM_SECONDS, WARM_ANSWER = 120.0, 2.0
GROUP = 40
"""Requests between two pauses; about as many unseen runs may wait in the gateway."""


Spend = Callable[[Setting, Watch, float, Console], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a run is asked for. `speed`: how much faster the frontier's clock goes; `error`: the
    share of its answers that are wrong; `scale` of the day's volumes; `rest` seconds before each
    night measure the street at rest; `pause` seconds of a day, at most, are left to unseen runs;
    `usd` is what the judge of a night may cost; a day has so many `looks` at what is proven."""

    mix: str = "all"
    days: int = 5
    seed: int = 0
    scale: float = 1.0
    speed: float = 20.0
    error: float = 0.07
    dialect: str = "anthropic"
    rest: float = 20.0
    pause: float = 60.0
    usd: float = 1.0
    looks: int = 3

    @property
    def mixes(self) -> list[str]:
        return list(mixes.MIXES) if self.mix == "all" else [self.mix]


@dataclass(slots=True)
class _DaySoFar:
    """A day that is over but for the night's rows."""

    number: int
    since: float
    until: float
    outcomes: list[Any]
    contract: Any
    report: Any
    metrics: dict[str, float]
    placed: list[Json] = field(default_factory=list)
    looks: list[Json] = field(default_factory=list)
    night: Json | None = None


async def measured(setting: Setting, watch: Watch, rest: float, console: Console) -> Json:
    """A night with the street measured at rest and meanwhile."""
    with terminal.waiting(console, "night: shortstop learn"):
        return await night(setting, watch, rest)


class Company:
    """Runs in the folder `work`, which is made anew; `spend` is how nights go."""

    def __init__(
        self,
        sources: Sequence[Source],
        choices: Choices,
        work: Path,
        console: Console,
        spend: Spend | None = None,
    ) -> None:
        self._spend = spend or measured
        self._choices = choices
        self._console = console
        self.apps: list[App] = with_installed_clients(applications(sources))
        self.plan: Plan = plan(self.apps, choices.days, choices.seed)
        volumes = mixes.volumes(choices.mix, {a.kind for a in self.apps}, choices.scale)
        self.apps = [app for app in self.apps if app.kind in volumes]
        seed, policy = choices.seed, self.plan.policy
        teachers = {"": Teacher(self.apps, policy, choices.error, seed)}
        for number, (name, error) in enumerate(RIVALS.items(), start=1):
            teachers[name] = Teacher(self.apps, policy, error, seed + 1000 * number)
        self._stream = Stream(self.apps, self.plan, teachers, volumes, seed)
        shutil.rmtree(work, ignore_errors=True)
        self._setting = prepared(work, self.apps, choices.dialect, choices.usd)
        self._lines: list[books.Line] = []

    @property
    def setting(self) -> Setting:
        return self._setting

    async def run(self) -> Json:
        """Every figure of the run."""
        began = time.monotonic()
        user = key(self._setting, "applications", "user")
        people = People(user, key(self._setting, "reviewer", "reviewer"), self._choices.seed)
        days: list[Json] = []
        async with open_for_business(self._setting, 1 / self._choices.speed):
            clients = Clients(self._setting.base, user)
            watch = Watch(self._setting, clients)
            await self._warm_up(clients)
            for number in range(1, self._choices.days + 1):
                day = await self._day(number, clients, people)
                if number < self._choices.days:
                    day.night = await self._spend(
                        self._setting, watch, self._choices.rest, self._console
                    )
                else:
                    await asyncio.sleep(2)
                days.append(self._figures(day))
                terminal.show_day(self._console, days[-1])
            await clients.close()
        return {
            "choices": {name: getattr(self._choices, name) for name in Choices.__slots__},
            "conditions": conditions(self._choices, self.plan, self.apps),
            "days": days,
            "people": {
                "reviews": people.reviews,
                "of_disputes": people.disputes,
                "thumbs": people.thumbs,
                "refused": people.refused,
            },
            "frontier": frontier_calls(self._setting),
            "seconds": round(time.monotonic() - began, 1),
        }

    async def _warm_up(self, clients: Clients) -> None:
        """Until the local model is there and each text has been read quickly: a company starts its
        gateway before it opens."""
        await clients.ready(WARM_SECONDS)
        waiting, until = list(WARM), time.monotonic() + WARM_SECONDS
        while waiting and time.monotonic() < until:
            text = waiting.pop(0)
            ask = watched(self._setting, "warm-up", text)
            outcome = await clients.send(ask, FRONTIER)  # refused where it is sensitive
            if outcome.seconds > WARM_ANSWER:
                waiting.append(text)

    async def _day(self, number: int, clients: Clients, people: People) -> _DaySoFar:
        asks = self._stream.day(number)
        with self._setting.records.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(record(ask)) + "\n" for ask in asks)
        before = Placements(self._setting.home).all()
        since = time.time()
        with terminal.day_bar(self._console, number, len(asks)) as done:
            outcomes, looks = await self._paced(asks, clients, done)
        until = time.time()
        apps = {app.name: app for app in self.apps}
        disputed = books.disputed(self._setting, since)
        await people.react(clients, outcomes, disputed, lambda a: correction(apps[a.app], a))
        return _DaySoFar(
            number,
            since,
            until,
            outcomes,
            shortstop(self._setting, "contract")[1],
            shortstop(self._setting, "report", "--since", _moment(since))[1],
            await clients.metrics(),
            changes(before, Placements(self._setting.home).all()),
            looks,
        )

    async def _paced(
        self, asks: Sequence[Ask], clients: Clients, done: Callable[[Outcome], None]
    ) -> tuple[list[Outcome], list[Json]]:
        """In groups; after each, what runs beside them unseen gets time to end. Looks part the day
        evenly."""
        outcomes: list[Outcome] = []
        looked: list[Json] = []
        left = self._choices.pause
        for start in range(0, len(asks), GROUP):
            if len(looked) < start * (self._choices.looks + 1) // len(asks):
                looked.append(await look(self._setting))
            outcomes += await clients.send_all(asks[start : start + GROUP], done)
            began = time.monotonic()
            await clients.idle(left)
            left -= time.monotonic() - began
        return outcomes, looked

    def _figures(self, day: _DaySoFar) -> Json:
        rows = [
            row
            for row in books.traces(self._setting, day.since, time.time())
            if row.decision is None or row.decision.task != "watch"
        ]
        lines, rest = books.joined(day.outcomes, rows)
        cheapest = measure.certified(self._lines, list(RIVALS))
        self._lines += lines
        figured = measure.day_figures(
            measure.Day(day.number, day.since, day.until - day.since, lines, rest, cheapest),
            1 / self._choices.speed,
            self._choices.mixes,
        )
        figured |= {
            "since": day.since,
            "contract": day.contract,
            "report": day.report,
            "metrics": day.metrics,
            "placed": day.placed,
            "looks": day.looks,
            "certified_cloud": cheapest,
            "kept_so_far": {
                app: bound_so_far([x for x in self._lines if x.outcome.ask.app == app])
                for app in sorted({x.outcome.ask.app for x in self._lines})
            },
        }
        if day.night is not None:
            figured["night"] = day.night
        return figured


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def correction(app: App, ask: Ask) -> str | None:
    """The right answer in the application's words, as a reviewer would type it."""
    if not ask.check or ask.kind in ("tools", "hard", "summary"):
        return None
    if ask.kind in ("faq", "bank"):
        return str(ask.gold) if ask.gold is not None else None
    return app.says(ask.gold, app.items[0])


def bound_so_far(lines: Sequence[books.Line]) -> Json:
    """What was lost on all days until now, over what may leave, against what was promised."""
    free = [line for line in lines if not line.pinned]
    lost = measure.mean(measure.loss(free))
    disagreed = measure.mean([float(not line.agrees) for line in free])
    return {
        "loss": lost,
        "held": measure.kept(lost, measure.LIMIT),
        "disagreement": disagreed,
        "held_by_agreement": measure.kept(disagreed, measure.LIMIT),
    }


def frontier_calls(setting: Setting) -> Json:
    """What the frontier itself has counted."""
    calls = [json.loads(line) for line in setting.calls.read_text("utf-8").splitlines()]
    judged = [call for call in calls if call["id"] == "judge"]
    day_calls = [call for call in calls if call["id"] not in ("watch", "judge")]
    return {
        "judge_calls": len(judged),
        "calls": len(day_calls),
        "unknown": sum(call["id"] is None for call in day_calls),
        "in_other_words": sum(call["id"] is not None and not call["whole"] for call in day_calls),
        "prompt_tokens": sum(call["prompt"] for call in day_calls),
        "completion_tokens": sum(call["completion"] for call in day_calls),
    }


def conditions(choices: Choices, plan: Plan, apps: Sequence[App]) -> Json:
    """What is simulated, in words and figures."""
    held = {name: sorted(keys) for name, keys in plan.held.items()}
    return {
        "frontier": (
            f"Simulated: answers the reference, wrong in {choices.error:.0%}; list prices of"
            f" {FRONTIER}; latency log-normal, slept at 1/{choices.speed:g}, reported whole."
        ),
        "judge": (
            f"Simulated: knows the reference, takes the worse answer for the better in"
            f" {judge.ERROR:.0%} of its verdicts, and what comes first in {judge.WAVERING:.0%};"
            f" list prices of {JUDGE}; at most ${choices.usd:g} a night."
        ),
        "clock": (
            "A day is sent as fast as the machine answers, with pauses for what runs beside it"
            f" unseen ({choices.pause:g} s at most); between days only time stamps advance."
        ),
        "rivals": {name: f"assumed wrong in {error:.0%}" for name, error in RIVALS.items()},
        "new_from_day": plan.new,
        "held_back": held,
        "policy_from_day": plan.policy.day,
        "renamed": plan.policy.renamed,
        "titled": plan.policy.titled,
        "applications": {
            app.name: {"kind": app.kind, "client": app.client, "stream": app.stream} for app in apps
        },
    }
