"""Runs of agents: the requests that work on one job, one step each, and what they may take."""

from __future__ import annotations

from typing import Literal, TypeVar

from msgspec import Struct

RunRefusal = Literal["money", "steps", "time", "repeat"]
"""Why a step of a run was refused: the run has used its money, steps or time, or its model made the
same tool call once more."""


_Limit = TypeVar("_Limit", int, float)


class RunLimits(Struct, frozen=True):
    """The most that one run may take: US dollars, steps, seconds. None: no limit."""

    usd: float | None = None
    steps: int | None = None
    seconds: float | None = None

    def replaced_by(self, other: RunLimits) -> RunLimits:
        """What `other` says, where it says something, in place of this."""
        return RunLimits(
            self.usd if other.usd is None else other.usd,
            self.steps if other.steps is None else other.steps,
            self.seconds if other.seconds is None else other.seconds,
        )

    def lowered_by(self, other: RunLimits) -> RunLimits:
        """The tighter of both, one by one: nothing is raised."""
        return RunLimits(
            _least(self.usd, other.usd),
            _least(self.steps, other.steps),
            _least(self.seconds, other.seconds),
        )


def _least(one: _Limit | None, other: _Limit | None) -> _Limit | None:
    given = [limit for limit in (one, other) if limit is not None]
    return min(given) if given else None
