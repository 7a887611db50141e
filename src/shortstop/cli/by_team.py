"""Figures of keys, added up by the teams that the keys are in now."""

from __future__ import annotations

from pathlib import Path

from shortstop.cli.desk import desk
from shortstop.console.by_team import NO_TEAM, by_team
from shortstop.types.report import Slice, TrafficReport

__all__ = ["NO_TEAM", "slices_by_team", "teams_of_keys"]


def slices_by_team(report: TrafficReport, config: Path | None) -> tuple[Slice, ...]:
    """The report's slices by key, added up by team; the dearest first. They have no percentiles."""
    return by_team(report.groups["key"], teams_of_keys(config))


def teams_of_keys(config: Path | None) -> dict[str, str]:
    """The name of the team that each key is in now, "" where it is in none."""
    with desk(config) as at:
        teams = at.accounts.teams
        teams.load()
        names = {team.id: teams.full_name(team) for team in teams.teams()}
        return {key.id: names.get(key.team or "", "") for key in at.accounts.keys.all()}
