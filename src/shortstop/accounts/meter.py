"""Rate limits by the generic cell rate algorithm (ITU-T I.371, virtual scheduling).

A meter is one number, the theoretical arrival time: when everything admitted so far would have
arrived at the steady rate. A full minute's allowance may arrive at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from shortstop.types.leases import MeterChange, SharedMeter, Size

WINDOW = 60.0
"""Seconds over which the limit is counted; its whole allowance may be used in one burst."""
SLACK = 60.0
"""Seconds by which clocks may differ: an arrival further ahead than that was set by hand."""


@dataclass(frozen=True, slots=True)
class MeterReading:
    """`arrival` is the state to keep. `remaining` units may arrive now, the whole allowance in
    `reset` seconds. Units that were not admitted would be in `retry_after` seconds; `too_large`
    says that they exceed the limit and never will be."""

    arrival: float
    admitted: bool
    remaining: int
    reset: float
    retry_after: float = 0.0
    too_large: bool = False


def take(arrival: float, now: float, units: float, limit: int, share: float = 1.0) -> MeterReading:
    """Admit `units` at `now` (Unix seconds) if `limit` units a minute allow it; with a `share`
    below 1 only if the rest of the allowance is left then, or none of it is used yet."""
    each = WINDOW / limit
    base = max(possible(arrival, now + WINDOW), now)
    after = base + units * each
    allowed = max(WINDOW * share, min(units * each, WINDOW))
    if after - now <= allowed + 1e-9:
        return MeterReading(after, True, _left(after - now, each), after - now)
    return MeterReading(
        base,
        False,
        _left(base - now, each),
        base - now,
        retry_after=after - now - allowed,
        too_large=units > limit,
    )


def correct(arrival: float, now: float, units: float, limit: int) -> float:
    """The state once `units` more than were counted (fewer, if negative) turn out to be used."""
    return max(now - WINDOW, possible(arrival, now + WINDOW) + units * WINDOW / limit)


def possible(arrival: float, latest: float) -> float:
    """The state, where it can be one; else everything is used up, so that it is right again in a
    minute. Somebody may have set it by hand, to what is no number too."""
    return arrival if -inf < arrival <= latest + SLACK else latest


def mended(state: SharedMeter, limit: int) -> SharedMeter:
    """The same, where it can be; else with as much used and leased as can be."""
    mine, others, lapsed = (
        min(max(units, 0), limit) for units in (state.mine, state.others, state.lapsed)
    )
    latest = state.now + WINDOW + (mine + others + lapsed) * WINDOW / limit
    arrival = None if state.arrival is None else possible(state.arrival, latest)
    return SharedMeter(arrival, state.now, mine, others, lapsed)


def shared(state: SharedMeter, limit: int, spent: int, size: Size) -> MeterChange:
    """Count `spent` units (given back, if negative) and lease as many as `size` says, of those that
    may arrive now. What is leased may arrive later: that is never sooner than it was counted.

    Units of a lease that has lapsed count as used now.
    """
    each, now = WINDOW / limit, state.now
    leased = state.mine + state.others + state.lapsed
    used = now - WINDOW if state.arrival is None else state.arrival - leased * each
    more = spent + state.lapsed
    used = max(used, now) + more * each if more > 0 else correct(used, now, more, limit)
    base = max(used, now)
    room = _left(base - now, each) - state.others
    mine = size(room)
    promised = state.others + mine
    arrival = base + promised * each if promised else used
    return MeterChange(arrival, mine, max(0, room - mine))


def _left(used: float, each: float) -> int:
    return max(0, int((WINDOW - used) / each + 1e-6))
