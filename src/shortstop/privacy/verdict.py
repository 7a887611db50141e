"""What a verdict says: findings, the conversation's earlier tier and the policy, put together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from shortstop.privacy import policy
from shortstop.privacy.policy import TenantPolicy
from shortstop.types import Caller, Case, Clearance, Finding, Reach, Request, Tier

TOO_SLOW, FAILED = "detector-too-slow", "detector-failed"
"""Why there is no verdict: they say nothing about what the request holds."""


def lasting_tier(clearance: Clearance) -> Tier:
    """What a conversation keeps of a verdict. Of one that was never reached it keeps nothing: the
    next turn brings the same texts again, and they are judged then."""
    if clearance.reasons in ((TOO_SLOW,), (FAILED,)):
        return Tier.S0
    return clearance.tier


def case_of(request: Request, caller: Caller) -> Case:
    """Whom a verdict about this request is about."""
    conversation = caller.conversation or f"unnamed-{_opening(request)}"
    return Case(request.id, caller.tenant, conversation, caller.task or "*")


def _opening(request: Request) -> str:
    """A digest of how a conversation begins, for clients that do not name it."""
    first = next((m.text for m in request.messages if m.role == "user"), request.id)
    return hashlib.blake2b(first.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def verdict(
    findings: Sequence[Finding], earlier: Tier, rules: TenantPolicy, case: Case
) -> Clearance:
    """`earlier` is the highest tier that the conversation has held before."""
    if not findings and earlier == Tier.S0 and rules.trial is None:
        return Clearance(Tier.S0, Reach.ANYWHERE, policy=rules.name, case=case)
    own = max((f.tier for f in findings), default=Tier.S0)
    decided = list(policy.actions(rules.acting, findings, case.route).values())
    reasons = {f.rule for f in findings}
    labels = {f.label for f in findings}
    if earlier > own or earlier == Tier.S3:
        decided.append(policy.taint_action(rules.acting, earlier, case.route))
        reasons.add(f"conversation-saw-{earlier.name}")
        labels.add(policy.TAINT)
    if rules.trial is not None:
        trial = policy.reach(policy.actions(rules.trial, findings, case.route).values())
        reasons.add(f"dry-run-{trial.name.lower()}")
    return Clearance(
        tier=max(own, earlier),
        reach=policy.reach(decided),
        labels=tuple(sorted(labels)),
        reasons=tuple(sorted(reasons)),
        policy=rules.name,
        findings=tuple(findings),
        case=case,
    )


def pinned(reason: str, request: Request, caller: Caller) -> Clearance:
    """The verdict about a request that cannot be judged: tier S3, local only.

    Cannot fail itself: its case names no conversation, for nothing of it is ever pseudonymised.
    """
    case = Case(request.id, caller.tenant, caller.conversation or "", caller.task or "*")
    return Clearance(Tier.S3, Reach.LOCAL_ONLY, ("UNREADABLE",), (reason,), case=case)
