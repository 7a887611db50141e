"""What follows from what was found: per tenant, versioned, the most restrictive rule wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.privacy.detect import rules
from shortstop.types import Finding, Reach, Target, Tier

REACH = {
    "allow": Reach.ANYWHERE,
    "pseudonymise": Reach.PSEUDONYMISED,
    "redact": Reach.PSEUDONYMISED,
    "local_only": Reach.LOCAL_ONLY,
    "block": Reach.REFUSED,
}
SEVERITY = ("allow", "pseudonymise", "redact", "local_only", "block")
STANDING_IN = ("pseudonymise", "redact")
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


def in_force(policy: PrivacyPolicy) -> PrivacyPolicy:
    """The policy that decides: a dry run leaves that to the built-in one."""
    return PrivacyPolicy() if policy.dry_run else policy


def action(
    policy: PrivacyPolicy,
    found: Finding,
    among: Sequence[Finding],
    route: str = "*",
    direction: str = "request",
    unnamed: str | None = None,
) -> str:
    """What to do about `found` in a request where all of `among` was found. What no rule names
    gets `unnamed`, by default by its tier: from S2 on it stays local, a name or address that was
    read is replaced. No request of tier S3 is made harmless by a stand-in, so there a rule that
    says so keeps it local."""
    fitting = [
        rule.action
        for rule in policy.rules
        if _speaks_of(rule, found)
        and rule.direction in (direction, "both")
        and rule.route in ("*", route)
        and (rule.min_count == 1 or _places(rule, among) >= rule.min_count)
    ]
    if fitting:
        strictest = max(fitting, key=SEVERITY.index)
        hopeless = found.tier >= Tier.S3 and direction == "request" and strictest in STANDING_IN
        return "local_only" if hopeless else strictest
    if unnamed is not None:
        return unnamed
    if found.tier >= Tier.S2:
        return "local_only"
    return "pseudonymise" if found.tier == Tier.S1 and found.label in READ else "allow"


def reads_names(policy: PrivacyPolicy, route: str = "*") -> bool:
    """Whether anything would come of reading the names of a request."""
    read = (Finding(label, Tier.S1, "", "") for label in sorted(NAMES))
    return any(action(policy, found, [found], route) != "allow" for found in read)


def _speaks_of(rule: PrivacyRule, found: Finding) -> bool:
    return found.label in rule.labels or rule.tier == found.tier.name


def _places(rule: PrivacyRule, among: Sequence[Finding]) -> int:
    """How many values a rule speaks of: what two detectors find in one place is one."""
    count, path, end = 0, "", -1
    for f in sorted((f for f in among if _speaks_of(rule, f)), key=lambda f: (f.path, f.start)):
        count += f.path != path or f.start >= end
        path, end = f.path, max(f.end, end if f.path == path else -1)
    return count


def actions(
    policy: PrivacyPolicy,
    findings: Iterable[Finding],
    route: str = "*",
    direction: str = "request",
    unnamed: str | None = None,
) -> dict[str, str]:
    """Label -> action. A label found on several tiers gets the strictest answer."""
    among = list(findings)
    result: dict[str, str] = {}
    for found in {(f.label, f.tier): f for f in among}.values():
        new = action(policy, found, among, route, direction, unnamed)
        result[found.label] = max(result.get(found.label, "allow"), new, key=SEVERITY.index)
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
            hopeless = rule.action in STANDING_IN and rule.direction != "reply"
            if hopeless and (rule.tier == "S3" or {"SECRET", "UNREADABLE"} & set(rule.labels)):
                wrong.append(
                    f"{where}: tier S3 cannot be made harmless by {rule.action}; it stays local"
                )
        covered = {x for r in policy.rules for x in r.labels}
        tiers = {r.tier for r in policy.rules if r.tier}
        if policy.strict and not tiers >= {"S2", "S3"}:
            wrong += [
                f"policy {name}: no rule for the label {x!r}" for x in sorted(known - covered)
            ]
    return wrong
