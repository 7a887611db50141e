"""Figures of keys, added up by the teams that the keys are in now."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from msgspec.structs import replace

from shortstop.cli.desk import desk
from shortstop.console.sums import whole
from shortstop.types.report import Slice, TrafficReport

NO_TEAM = "(no team)"


def slices_by_team(report: TrafficReport, config: Path | None) -> tuple[Slice, ...]:
    """The report's slices by key, added up by team; the dearest first. They have no percentiles."""
    keys = teams_of_keys(config)
    parts: dict[str, list[Slice]] = defaultdict(list)
    for one in report.groups["key"]:
        parts[keys.get(one.key) or NO_TEAM].append(one)
    added = [replace(whole(slices), key=team) for team, slices in parts.items()]
    return tuple(sorted(added, key=lambda one: (-one.cost, one.key)))


def teams_of_keys(config: Path | None) -> dict[str, str]:
    """The name of the team that each key is in now, "" where it is in none."""
    with desk(config) as at:
        teams = at.accounts.teams
        teams.load()
        names = {team.id: teams.full_name(team) for team in teams.teams()}
        return {key.id: names.get(key.team or "", "") for key in at.accounts.keys.all()}
