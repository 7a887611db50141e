"""What follows from what was found: per tenant, versioned, the most restrictive rule wins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from shortstop.config import PrivacyConfig, PrivacyPolicy
from shortstop.privacy import rules
from shortstop.types import Finding, Reach, Target, Tier

REACH = {
    "allow": Reach.ANYWHERE,
    "pseudonymise": Reach.PSEUDONYMISED,
    "redact": Reach.PSEUDONYMISED,
    "local_only": Reach.LOCAL_ONLY,
    "block": Reach.REFUSED,
}
SEVERITY = ("allow", "pseudonymise", "redact", "local_only", "block")
NAMES = frozenset({"PERSON", "ORGANISATION", "PLACE"})
"""Labels of what is read before an escalation, where that is on. They never pin by themselves."""
READ = NAMES | {"ADDRESS", "PHONE", "CARD"}
"""All that is read then, on tier S1: numbers too whose check digits fail."""
DETECTED = NAMES | {"HEALTH", "DICTIONARY", "FINGERPRINT", "UNREADABLE", "TAINT"}
"""Labels that code gives, beside those in the rulebook."""


def labels() -> frozenset[str]:
    return DETECTED | {r.label for r in rules.builtin()}


def chosen(config: PrivacyConfig, tenant: str) -> tuple[str, PrivacyPolicy]:
    """The tenant's policy and its name with version; the built-in one where none is named."""
    name = config.tenants.get(tenant, "default")
    policy = config.policies.get(name)
    if policy is None:
        if name != "default":
            raise LookupError(f"tenant {tenant!r} has the policy {name!r}, which does not exist")
        policy = PrivacyPolicy()
        name = "builtin"
    return f"{name}-{policy.version}", policy


def action(
    policy: PrivacyPolicy,
    label: str,
    tier: Tier,
    count: int,
    route: str = "*",
    direction: str = "request",
    unnamed: str | None = None,
) -> str:
    """What to do about `count` findings of a label. A label that no rule names gets `unnamed`, by
    default by its tier: from S2 on it stays local, a name or address that was read is replaced."""
    fitting = [
        rule.action
        for rule in policy.rules
        if (label in rule.labels or (rule.tier is not None and rule.tier == tier.name))
        and count >= rule.min_count
        and rule.direction in (direction, "both")
        and rule.route in ("*", route)
    ]
    if fitting:
        return max(fitting, key=SEVERITY.index)
    if unnamed is not None:
        return unnamed
    if tier >= Tier.S2:
        return "local_only"
    return "pseudonymise" if tier == Tier.S1 and label in READ else "allow"


def reads_names(policy: PrivacyPolicy) -> bool:
    """Whether anything would come of reading the names of a request."""
    return any(action(policy, label, Tier.S1, 1) != "allow" for label in NAMES)


def actions(policy: PrivacyPolicy, findings: Iterable[Finding], route: str = "*") -> dict[str, str]:
    """Label -> action. A label found on several tiers gets the strictest answer."""
    found = list(findings)
    counts = Counter(f.label for f in found)
    result: dict[str, str] = {}
    for label, tier in {(f.label, f.tier) for f in found}:
        new = action(policy, label, tier, counts[label], route)
        result[label] = max(result.get(label, "allow"), new, key=SEVERITY.index)
    return result


def reach(decided: Iterable[str]) -> Reach:
    return max((REACH[a] for a in decided), default=Reach.ANYWHERE)


def objection(
    policy: PrivacyPolicy, target: Target, found: Sequence[str], baa: frozenset[str]
) -> str | None:
    """Why this target may not get the request, whatever it holds; None if it may."""
    if policy.providers and target.provider not in policy.providers:
        return f"provider {target.provider} is not on the policy's list"
    if policy.regions and target.region not in policy.regions:
        return f"region {target.region or 'unknown'} is not on the policy's list"
    health = {"HEALTH", "MEDICAL_ID"} & set(found)
    if (policy.baa_required or health) and target.provider not in baa:
        return f"provider {target.provider} has signed no BAA"
    return None


def lint(config: PrivacyConfig) -> list[str]:
    """Everything that is wrong with the policies; empty when every label has one clear answer."""
    known, wrong = labels(), []
    for tenant, name in config.tenants.items():
        if name not in config.policies and name != "default":
            wrong.append(f"tenant {tenant}: there is no policy {name!r}")
    for name, policy in config.policies.items():
        for i, rule in enumerate(policy.rules):
            where = f"policy {name}, rule {i + 1}"
            wrong += [
                f"{where}: no detector gives the label {x!r}" for x in set(rule.labels) - known
            ]
            if not rule.labels and rule.tier is None:
                wrong.append(f"{where}: names neither a label nor a tier, so it never holds")
            if rule.action == "allow" and (
                rule.tier == "S3" or {"SECRET", "UNREADABLE"} & set(rule.labels)
            ):
                wrong.append(f"{where}: lets secrets or unreadable parts leave")
            if rule.action in ("pseudonymise", "redact") and (
                rule.tier == "S3" or "UNREADABLE" in rule.labels
            ):
                wrong.append(f"{where}: tier S3 cannot be made harmless by {rule.action}")
        covered = {x for r in policy.rules for x in r.labels}
        tiers = {r.tier for r in policy.rules if r.tier}
        if policy.strict and not tiers >= {"S2", "S3"}:
            wrong += [
                f"policy {name}: no rule for the label {x!r}" for x in sorted(known - covered)
            ]
    return wrong
