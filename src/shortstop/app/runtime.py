"""What one configuration builds: targets, upstreams, judges, and all of it as one street."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from shortstop import dialects, registry
from shortstop.accounts import Accounts
from shortstop.app.clock import CLOCK
from shortstop.app.engines import DEFAULT_LOCAL_CONTEXT, Engine, build_engine
from shortstop.config import (
    Config,
    ModelConfig,
    UpstreamConfig,
    UpstreamModel,
)
from shortstop.errors import ConfigError, ModelFileError
from shortstop.ledger import Books
from shortstop.pipeline.chat import Pipeline
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.embedding import Embedding
from shortstop.pipeline.shadow import Shadows
from shortstop.privacy import PrivacyGuard, ephemeral_guard
from shortstop.registry import Registry
from shortstop.routing import LearnedRouter
from shortstop.serving.breaker import Breaker
from shortstop.serving.http import Egress
from shortstop.serving.upstreams import VENDORS, Patience, RemoteUpstream, egress_for
from shortstop.types import (
    Caller,
    Decision,
    Json,
    Request,
    Target,
)
from shortstop.workers.context import SharedRouter


@dataclass(slots=True)
class Runtime:
    """Everything that one configuration built and that a reload replaces."""

    config: Config
    engines: dict[str, Engine]
    egresses: list[Egress]
    upstreams: dict[str, RemoteUpstream]
    targets: dict[str, Target]
    guard: PrivacyGuard
    brain: LearnedRouter
    router: LearnedRouter | SharedRouter
    pipeline: Pipeline
    shadows: Shadows
    embedding: Embedding
    verdicts: Clearing

    async def close_egress(self) -> None:
        await self.shadows.close()
        for egress in self.egresses:
            await egress.close()


def remote_target(
    name: str, model: UpstreamModel, upstream: UpstreamConfig, provider: str
) -> Target:
    """`provider` is the operator's name of the upstream: policies speak of it."""
    return Target(
        name=name,
        model=model.model or name,
        local=False,
        provider=provider,
        context=model.context,
        abilities=frozenset([*model.abilities, *VENDORS[upstream.dialect].abilities]),
        max_output=model.max_output,
        price=model.price,
        region=upstream.region,
    )


def build_upstreams(
    config: Config, env: Mapping[str, str]
) -> tuple[list[Egress], dict[str, RemoteUpstream], dict[str, Target]]:
    egresses: list[Egress] = []
    upstreams: dict[str, RemoteUpstream] = {}
    targets: dict[str, Target] = {}
    draw = random.Random(config.routing.seed)
    for name, upstream in config.upstreams.items():
        egress = egress_for(upstream, env, name=name)
        egresses.append(egress)
        vendor = VENDORS[upstream.dialect]
        for model_name, model in upstream.models.items():
            targets[model_name] = remote_target(model_name, model, upstream, name)
            upstreams[model_name] = RemoteUpstream(
                model=model.model or model_name,
                vendor=vendor,
                dialect=dialects.get(vendor.dialect),
                egress=egress,
                patience=Patience(upstream.retries, upstream.backoff, upstream.max_retry_after),
                breaker=Breaker(upstream.breaker_failures, upstream.breaker_seconds, CLOCK),
                draw=draw,
            )
    return egresses, upstreams, targets


def rebuild(request: Request, body: Json) -> Request:
    """A request whose body privacy has rewritten, decoded anew in its own dialect."""
    again = dialects.get(request.dialect).decode_request(body, request.id)
    return msgspec.structs.replace(again, betas=request.betas)


@dataclass(frozen=True, slots=True)
class DecisionStack:
    """What decides and counts, without anything that answers: enough to replay a log."""

    guard: PrivacyGuard
    router: LearnedRouter
    books: Books
    targets: Mapping[str, Target]


def judges(config: Config, env: Mapping[str, str]) -> DecisionStack:
    """The same guard, router and books as the street's. A model need not be installed."""
    models = registry.open(registry.home(config.data_dir, env))
    targets = {name: _planned(name, model, models, env) for name, model in config.models.items()}
    for provider, upstream in config.upstreams.items():
        for name, model in upstream.models.items():
            targets[name] = remote_target(name, model, upstream, provider)
    guard = ephemeral_guard(config.privacy, rebuild, baa=signed(config))
    return DecisionStack(
        guard, LearnedRouter(targets, config, None), Books(targets, config), targets
    )


def signed(config: Config) -> frozenset[str]:
    """The upstreams that signed a business associate agreement."""
    return frozenset(name for name, upstream in config.upstreams.items() if upstream.baa)


def _planned(name: str, model: ModelConfig, models: Registry, env: Mapping[str, str]) -> Target:
    try:
        return build_engine(name, model, models, env).target
    except (ConfigError, ModelFileError):
        return Target(
            name=name,
            model=model.source or name,
            local=True,
            provider="embedded",
            context=model.context or DEFAULT_LOCAL_CONTEXT,
            abilities=model.able,
            max_output=model.max_output,
        )


@dataclass(frozen=True, slots=True)
class Budgets:
    """The accounts' purses with the books' prices. Implements ports.Purser."""

    accounts: Accounts
    books: Books

    def reserve(self, request: Request, decision: Decision, caller: Caller) -> None:
        self.accounts.reserve(request, decision, caller, self.books.at_most)
