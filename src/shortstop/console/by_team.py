"""Sums of keys, added up by the teams that the keys are in now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from shortstop.console.sums import whole
from shortstop.types.report import Slice

NO_TEAM = "(no team)"


def by_team(keys: Sequence[Slice], teams: Mapping[str, str]) -> tuple[Slice, ...]:
    """`keys` hold a key's id each, `teams` the name of each key's team, "" or nothing where it is
    in none. The dearest first; they have no percentiles."""
    parts: dict[str, list[Slice]] = defaultdict(list)
    for one in keys:
        parts[teams.get(one.key) or NO_TEAM].append(one)
    added = [replace(whole(slices), key=team) for team, slices in parts.items()]
    return tuple(sorted(added, key=lambda one: (-one.cost, one.key)))
