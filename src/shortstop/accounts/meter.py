"""Rate limits by the generic cell rate algorithm (ITU-T I.371, virtual scheduling).

One number a meter: the theoretical arrival time, at which everything that was let in so far
would have come in at the steady rate. A full minute's allowance may come at once.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 60.0
"""Seconds over which the limit is counted and which may be used up in one burst."""


@dataclass(frozen=True, slots=True)
class MeterReading:
    """`arrival` is the state to keep. `remaining` units may come now; `reset` seconds until all
    may; `retry_after` is set when the units were not let in, None meaning never (`too_large`)."""

    arrival: float
    admitted: bool
    remaining: int
    reset: float
    retry_after: float = 0.0
    too_large: bool = False


def take(arrival: float, now: float, units: float, limit: int) -> MeterReading:
    """Let `units` in at `now` (Unix seconds) if `limit` units a minute allow it."""
    each = WINDOW / limit
    base = max(arrival, now)
    after = base + units * each
    if after - now <= WINDOW + 1e-9:
        return MeterReading(after, True, _left(after - now, each), after - now)
    return MeterReading(
        base,
        False,
        _left(base - now, each),
        base - now,
        retry_after=after - now - WINDOW,
        too_large=units > limit,
    )


def correct(arrival: float, now: float, units: float, limit: int) -> float:
    """The state after it turned out that `units` more (or, negative, fewer) were used."""
    return max(now - WINDOW, arrival + units * WINDOW / limit)


def _left(used: float, each: float) -> int:
    return max(0, int((WINDOW - used) / each + 1e-6))
