"""What the console says of privacy: what it would find, its policies, whether its log is whole."""

from __future__ import annotations

from pathlib import Path

from shortstop.app.bodies import body_format
from shortstop.app.resources import Resources
from shortstop.config import Config, PrivacyPolicy
from shortstop.errors import InvalidRequest
from shortstop.evaluate.privacy.detection import chat_request
from shortstop.privacy import audit, ephemeral_guard, policy
from shortstop.privacy.policy import Policies
from shortstop.types import Caller
from shortstop.types.console import Explained, FindingLine, PolicyLine, PrivacyState


def explained(config: Config, text: str, tenant: str) -> Explained:
    """With a guard that remembers nothing. Raises InvalidRequest."""
    try:
        acting = Policies(config.privacy).of(tenant).acting
    except LookupError as error:
        raise InvalidRequest(f"The policy of tenant {tenant!r} does not exist.") from error
    guard = ephemeral_guard(config.privacy, body_format())
    guard.warm()  # in a gateway that runs they are; nothing is built twice
    verdict = guard.clear(chat_request(text, "explained"), Caller(tenant=tenant)).recorded()
    actions = policy.actions(acting, verdict.findings, "*")
    return Explained(
        verdict.tier,
        verdict.reach,
        verdict.policy,
        verdict.reasons,
        tuple(
            FindingLine(f.label, f.tier, f.rule, f.start, f.end, actions[f.label])
            for f in verdict.findings[:200]
        ),
    )


def state(config: Config, changes: Path) -> PrivacyState:
    privacy, traces = config.privacy, config.traces
    named = {name: _policy(config, name, one) for name, one in privacy.policies.items()}
    if "default" not in named:
        builtin = _policy(config, "default", PrivacyPolicy())
        named = {"default": PolicyLine("builtin", builtin.rules, builtin.tenants), **named}
    return PrivacyState(
        airgap=privacy.airgap,
        names_read=privacy.ner != "off",
        policies=tuple(named.values()),
        log=privacy.audit or "",
        changes=privacy.audit or str(changes),
        content=traces.content,
        sensitive_content=traces.sensitive_content,
        retention_days=traces.retention_days,
    )


def _policy(config: Config, name: str, one: PrivacyPolicy) -> PolicyLine:
    rules = [
        f"{rule.action.replace('_', ' ')}: {', '.join(rule.labels) or rule.tier or 'anything'}"
        f"{f', {rule.min_count} or more' if rule.min_count > 1 else ''}"
        f"{f', in task {rule.route}' if rule.route != '*' else ''}"
        f"{f', {rule.direction}' if rule.direction != 'request' else ''}"
        for rule in one.rules
    ]
    rules.append("what no rule names stays local from tier S2 on")
    if one.providers or one.regions:
        rules.append(f"only to {', '.join((*one.providers, *one.regions))}")
    if one.dry_run:
        rules.append("dry run: the built-in policy decides")
    tenants = tuple(t for t, given in config.privacy.tenants.items() if given == name)
    return PolicyLine(f"{name}-{one.version}", tuple(rules), tenants)


def verified(resources: Resources) -> str:
    """Whether the log is as it was written, in a sentence. Reads all of it. Raises StoreError."""
    log = resources.audits.changes()
    broken = log.verify()
    if broken is not None:
        return f"{log.path.name}: record {broken.n}: {broken.what}."
    return f"{log.path.name}: {sum(1 for _ in audit.records(log.path)):,} records, intact."
