"""One configuration -> one runtime: everything that a reload replaces."""

from __future__ import annotations

from collections.abc import Mapping

from shortstop import routing
from shortstop.app.books import build_books
from shortstop.app.caches import build_cache
from shortstop.app.encoders import EMBEDS, build_encoders
from shortstop.app.engines import Engine, backend_of, build_engine, health_of
from shortstop.app.foundation import Foundation
from shortstop.app.guard import build_guard
from shortstop.app.naming import Naming
from shortstop.app.pipelines import Pipelines
from shortstop.app.resources import Resources
from shortstop.app.router import build_routers
from shortstop.app.runtime import Runtime
from shortstop.app.shelf import Roster
from shortstop.app.upstreams import build_remotes
from shortstop.config import Config
from shortstop.routing import State
from shortstop.serving.deployments import KeyStandings
from shortstop.serving.models import Models


def build(
    config: Config,
    resources: Resources,
    kept: Mapping[str, Engine],
    state: State | None,
    standings: KeyStandings | None = None,
) -> Runtime:
    """`kept` are running engines to go on with, `state` what the router has learned so far,
    `standings` what is known of upstreams' keys.

    Raises ConfigError or ModelFileError.
    """
    workers, env = resources.workers, resources.env
    engines = {
        name: kept.get(name)
        or build_engine(name, model, resources.models, env, workers, config.engine)
        for name, model in config.models.items()
    }
    remotes = build_remotes(config, env, standings, resources.batching.forwarders)
    every = {name: engine.target for name, engine in engines.items()} | remotes.targets
    targets = {name: t for name, t in every.items() if EMBEDS not in t.abilities}
    backends = {name: backend_of(engines[name]) for name in targets if name in engines}
    foundation = Foundation(
        config=config,
        engines=engines,
        remotes=remotes,
        guard=build_guard(config, resources),
        targets=targets,
        backends=backends,
        health=health_of(backends),
        encoders=build_encoders(every, engines, remotes.upstreams, routing.packaged().embedder),
        books=build_books(config, every, engines),
        naming=Naming(config, every, resources.offers),
        cache=build_cache(config, resources),
    )
    return staffed(foundation, resources, resources.specialists.roster(), state)


def staffed(
    foundation: Foundation, resources: Resources, roster: Roster, state: State | None
) -> Runtime:
    """What stands on a foundation, with the specialists of `roster`. A name that a configured model
    has is that model's."""
    config, guard = foundation.config, foundation.guard
    targets = {**roster.targets, **foundation.targets}
    models = Models(
        targets,
        {**roster.backends, **foundation.backends},
        foundation.remotes.upstreams,
        guard,
        {**roster.health, **foundation.health},
        resources.calls,
    )
    prior = routing.packaged()
    learned, router = build_routers(
        config, targets, state, prior, resources.exchange, foundation.wait
    )
    encoders, books = foundation.encoders, foundation.books
    pipelines = Pipelines(config, resources, models, encoders, books, router, guard)
    pipelines.chat.cache = foundation.cache
    if config.routing.fallbacks:
        pipelines.chat.fallbacks = routing.Fallbacks(config.routing.fallbacks, targets)
    return Runtime(foundation, models, learned, router, pipelines)
