"""One more model of an upstream, while requests are being answered: a pattern allows it, and
somebody has named it."""

from __future__ import annotations

from dataclasses import replace

from shortstop import routing
from shortstop.app.books import build_books
from shortstop.app.encoders import EMBEDS, build_encoders
from shortstop.app.foundation import Foundation
from shortstop.app.naming import Opening
from shortstop.app.upstreams import with_remote
from shortstop.config import with_model


def opened(foundation: Foundation, opening: Opening) -> Foundation:
    """The same with one more model. Engines, connections and all other models go on."""
    name, engines = opening.name, foundation.engines
    config = with_model(foundation.config, opening.upstream, name, opening.model)
    remotes = with_remote(foundation.remotes, config, opening.upstream, name)
    every = {n: engine.target for n, engine in engines.items()} | remotes.targets
    return replace(
        foundation,
        config=config,
        remotes=remotes,
        targets={n: t for n, t in every.items() if EMBEDS not in t.abilities},
        encoders=build_encoders(every, engines, remotes.upstreams, routing.packaged().embedder),
        books=build_books(config, every, engines, new=name),
        naming=foundation.naming.with_more(config, every),
    )
