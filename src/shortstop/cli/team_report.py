"""`shortstop teams report`: what the recorded requests of each team's keys have cost."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Annotated

import typer

from shortstop.app.places import data_paths
from shortstop.cli.by_team import NO_TEAM, teams_of_keys
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, print_json, say
from shortstop.cli.report import NOTHING
from shortstop.config import load
from shortstop.console.durations import moment
from shortstop.console.format import usd
from shortstop.stores import open_stores
from shortstop.types.report import Charge

Since = Annotated[
    str | None, typer.Option(help="From then on: a date, a time (UTC), or an age: 24h, 7d.")
]
Until = Annotated[str | None, typer.Option(help="Before then; as --since.")]


@dataclass(slots=True)
class TeamTotals:
    """Sums over requests; money in US dollars. `unpriced` ones are in no sum of money."""

    requests: int = 0
    unpriced: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    effective: Decimal = Decimal(0)
    counterfactual: Decimal = Decimal(0)

    def add(self, charge: Charge) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(charge, one.name))


def team_report_command(
    since: Since = None, until: Until = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Show what the recorded requests of each team's keys have cost.

    By the teams that keys are in now. What counts against budgets is in `shortstop teams list`.
    """
    now = time.time()
    first = None if since is None else moment(since, now)
    end = None if until is None else moment(until, now)
    keys = teams_of_keys(config)
    paths = data_paths(load(config, os.environ), os.environ)
    totals = by_team(open_stores(paths).reports().charges(since=first, until=end), keys)
    if as_json:
        print_json([{"team": name or None, **_plain(one)} for name, one in totals.items()])
        return
    if not totals:
        say(NOTHING)
        return
    table = Grid("Teams")
    table.columns("team", "requests", "tokens", "cost", "all-LLM")
    for name, one in totals.items():
        tokens = one.prompt_tokens + one.completion_tokens
        mark = "*" if one.unpriced else ""
        cost, all_llm = f"{usd(one.effective)}{mark}", usd(one.counterfactual)
        table.row(name or NO_TEAM, f"{one.requests:,}", f"{tokens:,}", cost, all_llm)
    Terminal().table(table)
    if any(one.unpriced for one in totals.values()):
        say("* without the requests that have no known price")


def by_team(charges: Iterable[Charge], teams: Mapping[str, str]) -> dict[str, TeamTotals]:
    """Sums by the name of the team, "" for keys and requests without one; the dearest first.
    `teams` holds each key's."""
    totals: dict[str, TeamTotals] = defaultdict(TeamTotals)
    for charge in charges:
        totals[teams.get(charge.key, "")].add(charge)
    return dict(sorted(totals.items(), key=lambda item: (-item[1].effective, item[0])))


def _plain(totals: TeamTotals) -> dict[str, object]:
    return {one.name: getattr(totals, one.name) for one in fields(totals)}
