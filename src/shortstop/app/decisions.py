"""What decides and counts, without anything that answers: enough to replay a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from shortstop import registry
from shortstop.app.alert_post import require_alerts
from shortstop.app.bodies import body_format
from shortstop.app.certificate import certificate_of
from shortstop.app.engines import build_engine, local_target
from shortstop.app.sso import require_sso
from shortstop.app.upstreams import build_remotes, remote_target, with_agreement
from shortstop.config import Config, ModelConfig
from shortstop.errors import ConfigError, ModelFileError
from shortstop.ledger import Books, check_regions
from shortstop.privacy import PrivacyGuard, ephemeral_guard
from shortstop.registry import Registry
from shortstop.routing import LearnedRouter, State
from shortstop.types import Target

PATIENCE = 60.0
"""Seconds that privacy may take over one text."""


@dataclass(frozen=True, slots=True)
class DecisionStack:
    """The guard, router and books that a gateway of the same configuration would have."""

    guard: PrivacyGuard
    router: LearnedRouter
    books: Books
    targets: Mapping[str, Target]


def decision_stack(
    config: Config, env: Mapping[str, str], state: State | None = None
) -> DecisionStack:
    """A model need not be installed. `state` is what a gateway has learned."""
    models = registry.open(registry.home(config.data_dir, env))
    targets = {name: _planned(name, model, models, env) for name, model in config.models.items()}
    for provider, upstream in config.upstreams.items():
        for name, model in upstream.models.items():
            targets[name] = remote_target(name, model, upstream, provider)
    guard = patient_guard(config)
    router = LearnedRouter(targets, config, state)
    return DecisionStack(guard, router, Books(targets, config), targets)


def patient_guard(config: Config) -> PrivacyGuard:
    """Privacy's rules where nobody waits for an answer: no text is pinned because it took long."""
    patient = replace(config.privacy, timeout=PATIENCE)
    return ephemeral_guard(patient, body_format(), baa=with_agreement(config))


def require_buildable(config: Config, env: Mapping[str, str]) -> None:
    """Raises ShortstopError for a missing key, a bad policy, an unknown region or a certificate
    that cannot be used: no gateway could be built."""
    check_regions(config)
    certificate_of(config.server.tls)
    build_remotes(config, env)
    require_alerts(config, env)
    require_sso(config, env)
    ephemeral_guard(config.privacy, body_format(), baa=with_agreement(config))


def _planned(name: str, model: ModelConfig, models: Registry, env: Mapping[str, str]) -> Target:
    try:
        return build_engine(name, model, models, env).target
    except (ConfigError, ModelFileError):
        return local_target(name, model, model.source or name, model.context)
