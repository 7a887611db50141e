"""The remote models that one configuration names: clients, targets, and who signed what."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from shortstop.app.clock import CLOCK
from shortstop.config import Config, ConfigSource, UpstreamConfig, UpstreamModel
from shortstop.serving.breaker import Breaker
from shortstop.serving.health import TargetHealth
from shortstop.serving.http import Egress
from shortstop.serving.upstreams import (
    Patience,
    RemoteUpstream,
    check_dialects,
    dialect_of,
    egress_for,
    vendor_of,
)
from shortstop.types import Target


@dataclass(slots=True)
class Remotes:
    """Remote models by name, and the connections that they share by vendor."""

    egresses: list[Egress] = field(default_factory=list)
    upstreams: dict[str, RemoteUpstream] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)


def build_remotes(config: Config, env: Mapping[str, str]) -> Remotes:
    """Raises ConfigError when a key is not set."""
    remotes, draw = Remotes(), random.Random(config.routing.seed)
    for name, upstream in config.upstreams.items():
        dialect = dialect_of(upstream, name=name)
        egress = egress_for(upstream, vendor_of(dialect), env, name=name)
        remotes.egresses.append(egress)
        for model_name, model in upstream.models.items():
            remotes.targets[model_name] = remote_target(model_name, model, upstream, name)
            remotes.upstreams[model_name] = RemoteUpstream(
                model=model.model or model_name,
                dialect=dialect,
                egress=egress,
                patience=Patience(upstream.retries, upstream.backoff, upstream.max_retry_after),
                breaker=Breaker(upstream.breaker_failures, upstream.breaker_seconds, CLOCK),
                health=TargetHealth(model_name, CLOCK),
                draw=draw,
            )
    return remotes


def read_config(source: ConfigSource) -> Config:
    """Load, and check what `config` cannot know: the dialects there are. Raises ConfigError."""
    config = source.load()
    check_dialects(config.upstreams)
    return config


def remote_target(
    name: str, model: UpstreamModel, upstream: UpstreamConfig, provider: str
) -> Target:
    """`provider` is the operator's name of the upstream: privacy policies name it."""
    dialect = dialect_of(upstream, name=provider)
    return Target(
        name=name,
        model=model.model or name,
        local=False,
        provider=provider,
        context=model.context,
        abilities=frozenset(model.abilities) | vendor_of(dialect).abilities,
        max_output=model.max_output,
        price=model.price,
        region=upstream.region,
    )


def with_agreement(config: Config) -> frozenset[str]:
    """The upstreams that signed a business associate agreement."""
    return frozenset(name for name, upstream in config.upstreams.items() if upstream.baa)
