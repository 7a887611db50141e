"""What the router expects of every target on one request, for people who ask why."""

from __future__ import annotations

from shortstop.errors import RequestError
from shortstop.routing.constraints import Addressed, eligible
from shortstop.routing.estimates import Estimate
from shortstop.routing.router import LearnedRouter
from shortstop.types import Caller, Clearance, Expected, Explanation, Reach, Request, Target


def explain(
    router: LearnedRouter, request: Request, clearance: Clearance, caller: Caller
) -> Explanation:
    """What the router would decide of a request with this verdict, and why. Changes nothing."""
    task, targets = expected(router, request, clearance, caller)
    decision, refused = None, ""
    try:
        decision = router.foresee(request, clearance, caller)
    except RequestError as error:
        refused = str(error)
    return Explanation(task, clearance.recorded(), decision, refused, targets)


def expected(
    router: LearnedRouter, request: Request, clearance: Clearance, caller: Caller
) -> tuple[str, list[Expected]]:
    """The task, and every target: those that may serve first, the best of them before the others.
    Changes nothing."""
    pinned = clearance.reach >= Reach.LOCAL_ONLY
    task, estimates = router.estimates(request, clearance, caller)
    found = [
        _expected(estimate, usd, seconds, _barred(estimate.target, task, request, caller, pinned))
        for estimate, usd, seconds in estimates
    ]
    return task, sorted(found, key=lambda one: (bool(one.barred), not one.local, -one.score))


def _barred(target: Target, task: str, request: Request, caller: Caller, pinned: bool) -> str:
    """Why a target alone could not serve a request, "" where it could."""
    try:
        eligible(Addressed((target,), pinned=pinned), task, request, caller)
    except RequestError as error:
        return error.message
    return ""


def _expected(estimate: Estimate, usd: float, seconds: float, why: str) -> Expected:
    target = estimate.target
    score, known = (estimate.score, estimate.known) if target.local else (1.0, True)
    return Expected(
        target=target.name,
        local=target.local,
        score=score,
        known=known,
        pairs=estimate.evidence.pairs,
        usd=usd,
        seconds=seconds,
        barred=why,
    )
