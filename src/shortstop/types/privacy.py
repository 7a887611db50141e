"""The privacy verdict, and what may leave because of it."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from shortstop.types.conversation import Request


class Tier(IntEnum):
    """How sensitive: S0 nothing found, S1 weak alone, S2 identifies, S3 never leaves."""

    S0 = 0
    S1 = 1
    S2 = 2
    S3 = 3


class Reach(IntEnum):
    """How far a request may travel; higher is more restrictive, so `max` combines verdicts."""

    ANYWHERE = 0
    PSEUDONYMISED = 1
    LOCAL_ONLY = 2
    REFUSED = 3


class Finding(Struct, frozen=True):
    """Where a detector fired. Never carries the value itself.

    `path` is a JSON path in the request's body; `start` and `end` are character offsets
    in that string leaf, end exclusive.
    """

    label: str
    tier: Tier
    rule: str
    path: str
    start: int = 0
    end: int = 0


class Clearance(Struct, frozen=True):
    """The privacy verdict over a whole request."""

    tier: Tier
    reach: Reach
    labels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    policy: str = "builtin-1"
    findings: tuple[Finding, ...] = ()


class Cleared(Struct, frozen=True):
    """A request that may be sent to the remote target `target`, and only there.

    Made by `privacy` alone (a test over the syntax tree holds it); the only thing an upstream
    accepts. `request` is what may leave: pseudonymised already where the clearance says so.
    """

    request: Request
    clearance: Clearance
    target: str
