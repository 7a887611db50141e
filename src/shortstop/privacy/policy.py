"""What follows from what was found: per tenant, versioned, the most restrictive rule wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.privacy.labels import NAMES, NEEDS_BAA, READ
from shortstop.types import Finding, Reach, Target, Tier

REACH = {
    "allow": Reach.ANYWHERE,
    "pseudonymise": Reach.PSEUDONYMISED,
    "redact": Reach.PSEUDONYMISED,
    "local_only": Reach.LOCAL_ONLY,
    "block": Reach.REFUSED,
}
SEVERITY = ("allow", "pseudonymise", "redact", "local_only", "block")
TAINT = "TAINT"
"""The label of a conversation that held something sensitive in an earlier turn."""
REPLACING = ("pseudonymise", "redact")
"""Actions that put a stand-in in place of a value."""


@dataclass(frozen=True, slots=True)
class TenantPolicy:
    """A policy as it applies to one tenant.

    `name` includes the version. `acting` decides. `trial` is set on a dry run: the tenant's own
    policy then only reports what it would have done, and `acting` is the built-in one.
    """

    name: str
    acting: PrivacyPolicy
    trial: PrivacyPolicy | None = None

    def reads_names(self, route: str) -> bool:
        """Whether this policy acts on names, so that reading them is worthwhile."""
        names = (Finding(label, Tier.S1, "", "") for label in sorted(NAMES))
        return self.trial is None and any(
            action(self.acting, name, [name], route) != "allow" for name in names
        )


class Policies:
    """The policies of all tenants, looked up once per configuration."""

    def __init__(self, config: PrivacyConfig) -> None:
        self._named = {tenant: _resolved(config, name) for tenant, name in config.tenants.items()}
        self._default = _resolved(config, "default")

    def of(self, tenant: str) -> TenantPolicy:
        """Raises LookupError when the tenant is given a policy that does not exist."""
        policy = self._named.get(tenant, self._default)
        if policy is None:
            raise LookupError(f"the policy of tenant {tenant!r} does not exist")
        return policy


def _resolved(config: PrivacyConfig, name: str) -> TenantPolicy | None:
    """The named policy; the built-in one for a "default" that nobody wrote."""
    policy = config.policies.get(name)
    if policy is None:
        if name != "default":
            return None
        name, policy = "builtin", PrivacyPolicy()
    full_name = f"{name}-{policy.version}"
    if policy.dry_run:
        return TenantPolicy(full_name, PrivacyPolicy(), policy)
    return TenantPolicy(full_name, policy)


def action(
    policy: PrivacyPolicy,
    finding: Finding,
    among: Sequence[Finding],
    route: str = "*",
    direction: str = "request",
    unnamed: str | None = None,
) -> str:
    """What to do about `finding` in a request that holds all of `among`.

    A finding that no rule names gets `unnamed`. Without that its tier decides: from S2 on it stays
    local, and a name or address on S1 is replaced. Stand-ins do not make tier S3 harmless, so a
    rule that asks for one there keeps the request local instead.
    """
    matching = [
        rule.action
        for rule in policy.rules
        if _names(rule, finding)
        and rule.direction in (direction, "both")
        and rule.route in ("*", route)
        and (rule.min_count == 1 or _count(rule, among) >= rule.min_count)
    ]
    if matching:
        strictest = max(matching, key=SEVERITY.index)
        hopeless = finding.tier >= Tier.S3 and direction == "request" and strictest in REPLACING
        return "local_only" if hopeless else strictest
    if unnamed is not None:
        return unnamed
    if finding.tier >= Tier.S2:
        return "local_only"
    return "pseudonymise" if finding.tier == Tier.S1 and finding.label in READ else "allow"


def _names(rule: PrivacyRule, finding: Finding) -> bool:
    return finding.label in rule.labels or rule.tier == finding.tier.name


def _count(rule: PrivacyRule, among: Sequence[Finding]) -> int:
    """How many values a rule names. Findings of several detectors that overlap are one value."""
    count, path, end = 0, "", -1
    for f in sorted((f for f in among if _names(rule, f)), key=lambda f: (f.path, f.start)):
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
    by_label: dict[str, str] = {}
    for finding in {(f.label, f.tier): f for f in among}.values():
        new = action(policy, finding, among, route, direction, unnamed)
        old = by_label.get(finding.label, "allow")
        by_label[finding.label] = max(old, new, key=SEVERITY.index)
    return by_label


def taint_action(policy: PrivacyPolicy, tier: Tier, route: str) -> str:
    """What to do about a conversation that held something of `tier` in an earlier turn."""
    taint = Finding(TAINT, tier, "taint", "")
    return action(policy, taint, [taint], route)


def reach(decided: Iterable[str]) -> Reach:
    """How far a request may travel under all of these actions."""
    return max((REACH[action] for action in decided), default=Reach.ANYWHERE)


def objection(
    policy: PrivacyPolicy,
    target: Target,
    labels: Iterable[str],
    baa: frozenset[str],
    tier: Tier = Tier.S0,
) -> str | None:
    """Why `target` may not get a request with these labels at all; None if it may.

    `baa` lists the providers that signed a business associate agreement. Health data needs one
    under every policy, and so does a conversation that held something of tier S3 earlier: it may
    have been that.
    """
    if policy.providers and target.provider not in policy.providers:
        return f"provider {target.provider} is not on the policy's list"
    if policy.regions and target.region not in policy.regions:
        return f"region {target.region or 'unknown'} is not on the policy's list"
    held = set(labels)
    was_health = tier >= Tier.S3 and TAINT in held
    needs_baa = policy.baa_required or was_health or not NEEDS_BAA.isdisjoint(held)
    if needs_baa and target.provider not in baa:
        return f"provider {target.provider} has signed no BAA"
    return None
