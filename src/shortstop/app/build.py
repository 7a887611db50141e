"""One configuration -> one runtime: everything that a reload replaces."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from shortstop import routing
from shortstop.app.bodies import body_format
from shortstop.app.clock import CLOCK
from shortstop.app.encoders import EMBEDS, build_encoders
from shortstop.app.engines import Engine, backend_of, build_engine
from shortstop.app.pipelines import Pipelines
from shortstop.app.resources import Resources
from shortstop.app.router import build_routers
from shortstop.app.runtime import Runtime
from shortstop.app.upstreams import build_remotes, with_agreement
from shortstop.config import Config
from shortstop.ledger import Books
from shortstop.ledger.rapl import Rapl
from shortstop.privacy import PrivacyGuard, PrivacyStores
from shortstop.routing import State
from shortstop.serving.health import TargetHealth
from shortstop.serving.models import Models
from shortstop.types import Target

log = logging.getLogger("shortstop")


def build(
    config: Config, resources: Resources, kept: Mapping[str, Engine], state: State | None
) -> Runtime:
    """`kept` are running engines to go on with, `state` what the router has learned so far.

    Raises ConfigError or ModelFileError.
    """
    workers, env = resources.workers, resources.env
    engines = {
        name: kept.get(name) or build_engine(name, model, resources.models, env, workers)
        for name, model in config.models.items()
    }
    remotes = build_remotes(config, env)
    every = {name: engine.target for name, engine in engines.items()} | remotes.targets
    targets = {name: t for name, t in every.items() if EMBEDS not in t.abilities}
    prior = routing.packaged()
    learned, router = build_routers(config, targets, state, prior, workers)
    guard = build_guard(config, resources)
    backends = {name: backend_of(engines[name]) for name in targets if name in engines}
    health = {name: TargetHealth(name, CLOCK) for name in backends}
    models = Models(targets, backends, remotes.upstreams, guard, health)
    encoders = build_encoders(every, engines, remotes.upstreams, prior.embedder)
    books = build_books(config, every, engines)
    pipelines = Pipelines(config, resources, models, encoders, books, router, guard)
    return Runtime(
        config=config,
        engines=engines,
        remotes=remotes,
        models=models,
        guard=guard,
        learned=learned,
        router=router,
        pipelines=pipelines,
    )


def build_books(
    config: Config, targets: Mapping[str, Target], engines: Mapping[str, Engine]
) -> Books:
    slots = {name: engine.slots.slots for name, engine in engines.items()}
    books = Books(targets, config, slots=slots, meter=Rapl.find(CLOCK))
    for name in books.unpriced():
        log.warning("no price is known for %s: its costs are shown as unknown", name)
    return books


def build_guard(config: Config, resources: Resources) -> PrivacyGuard:
    audit = resources.audit_log(config.privacy)
    return PrivacyGuard(
        config.privacy,
        body_format(),
        PrivacyStores(resources.privacy_key, resources.vault, resources.taint, audit),
        CLOCK,
        baa=with_agreement(config),
        watcher=resources.metrics,
        tagger=resources.tagger(config.privacy),
    )
