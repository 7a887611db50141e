"""Looks for policies that say something other than their author meant."""

from __future__ import annotations

from collections.abc import Iterator

from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.privacy import labels
from shortstop.privacy.policy import REPLACING


def problems(config: PrivacyConfig) -> list[str]:
    """Everything wrong with the policies; empty when every label has one clear answer."""
    return [
        *(
            f"tenant {tenant}: there is no policy {name!r}"
            for tenant, name in config.tenants.items()
            if name not in config.policies and name != "default"
        ),
        *(line for name, policy in config.policies.items() for line in _policy(name, policy)),
    ]


def _policy(name: str, policy: PrivacyPolicy) -> Iterator[str]:
    for number, rule in enumerate(policy.rules, start=1):
        yield from (f"policy {name}, rule {number}: {problem}" for problem in _rule(rule))
    covered = {label for rule in policy.rules for label in rule.labels}
    tiers = {rule.tier for rule in policy.rules if rule.tier}
    if policy.strict and not tiers >= {"S2", "S3"}:
        for label in sorted(labels.every() - covered):
            yield f"policy {name}: no rule for the label {label!r}"


def _rule(rule: PrivacyRule) -> Iterator[str]:
    for label in sorted(set(rule.labels) - labels.every()):
        yield f"no detector gives the label {label!r}"
    if not rule.labels and rule.tier is None:
        yield "names neither a label nor a tier, so it never holds"
    s3 = rule.tier == "S3" or not labels.ALWAYS_LOCAL.isdisjoint(rule.labels)
    if s3 and rule.action == "allow":
        yield "lets secrets or unreadable parts leave"
    if s3 and rule.action in REPLACING and rule.direction != "reply":
        yield f"tier S3 cannot be made harmless by {rule.action}; it stays local"
