"""What would be decided for a request, for people who ask why."""

from __future__ import annotations

from msgspec import Struct

from shortstop.types.decision import Decision
from shortstop.types.privacy import Clearance


class Expected(Struct, frozen=True, omit_defaults=True):
    """One target. `barred` says why it may not serve the request, "" where it may.

    `score` is the probability that its answer is as good as the frontier's, of the frontier itself
    1; `known`: whether that is to be believed, by `pairs` compared answers. `usd` and `seconds` are
    what a call is expected to cost and to take.
    """

    target: str
    local: bool
    score: float
    known: bool
    pairs: int
    usd: float
    seconds: float
    barred: str = ""


class Explanation(Struct, frozen=True):
    """What would be decided now: `decision` is None where the request would be `refused`, which
    then says why. `targets` are all there are: those that may serve first. Where lots are drawn,
    the request itself may be decided otherwise."""

    task: str
    privacy: Clearance
    decision: Decision | None
    refused: str
    targets: list[Expected]
