"""The decision without a router: for the time when the learned one is broken. Hard constraints
only, local models first; what costs nothing is a part of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from shortstop.routing.constraints import addressed, eligible
from shortstop.routing.directory import Directory
from shortstop.routing.task import OPEN
from shortstop.types import Caller, Clearance, Decision, Request, Target

NAME = "none"
REASON = "router-failed"


class UnlearnedRouter:
    """Decides by what is forbidden and by what is possible, and by nothing else."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._directory = Directory(targets)

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        """Raises a RequestError when no configured target can serve the request."""
        whom = addressed(request, clearance, self._directory.serving(caller.tenant), caller)
        field = eligible(whom, caller.task or OPEN, request, caller)
        return Decision(
            plan=tuple([target.name for target in (*field.local, *field.remote)]),
            task=caller.task or OPEN,
            score=0.0,
            threshold=0.0,
            propensity=1.0,
            router=NAME,
            reasons=(REASON,),
            verify=not field.explicit,
        )

    def unpaid(self, decision: Decision) -> Decision | None:
        """The same decision with the targets that nobody bills; None where there are none."""
        plan = tuple([name for name in decision.plan if self._targets[name].local])
        return replace(decision, plan=plan, shadow=()) if plan else None
