"""The privacy verdict, and what may leave because of it."""

from __future__ import annotations

from enum import IntEnum

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

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


class Case(Struct, frozen=True):
    """Whom a verdict is about: what `release` must know of the request that `clear` judged.

    `conversation` is the client's own name for it, or a digest of the opening words; `route` is
    the task that policy rules may name, "*" for none.
    """

    request: str
    tenant: str
    conversation: str
    route: str


class Clearance(Struct, frozen=True):
    """The privacy verdict over a whole request. `policy` is a name with its version.

    `case` travels from `clear` to `release` and no further: without it nothing is released, and
    it is never written down (`recorded`).
    """

    tier: Tier
    reach: Reach
    labels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    policy: str = "builtin-1"
    findings: tuple[Finding, ...] = ()
    case: Case | UnsetType = UNSET

    @property
    def conversation(self) -> str | None:
        """Whose verdict it is; None once the case has been taken off."""
        return None if self.case is UNSET else self.case.conversation

    def recorded(self) -> Clearance:
        """The verdict as traces keep it: without its case."""
        return self if self.case is UNSET else replace(self, case=UNSET)


class Cleared(Struct, frozen=True):
    """A request that may be sent to the remote target `target`, and only there.

    Made by `privacy` alone (a test over the syntax tree holds it); the only thing an upstream
    accepts. `request` is what may leave: pseudonymised already where the clearance says so.
    """

    request: Request
    clearance: Clearance
    target: str
