"""Embedding models: the built-in table, and every target with the ability `embeddings`."""

from __future__ import annotations

from collections.abc import Mapping

from shortstop.app.engines import Engine
from shortstop.pipeline.embedding import Encoders, LocalEncoder, RemoteEncoder
from shortstop.routing.embed import Embedder
from shortstop.serving.encoders import ServedEncoder, StaticEncoder
from shortstop.types import Target

EMBEDS = "embeddings"
"""A model with this ability embeds, and answers no chat."""

BUILTIN = "static"


def encoder_targets(targets: Mapping[str, Target], width: int) -> dict[str, Target]:
    """Local ones first: the first of them stands for `auto`."""
    able = [t for t in targets.values() if EMBEDS in t.abilities]
    able.sort(key=lambda target: not target.local)
    builtin = Target(
        name=BUILTIN,
        model=f"static-{width}",
        local=True,
        provider="shortstop",
        context=1_000_000,
        abilities=frozenset([EMBEDS]),
    )
    found = {target.name: target for target in able}
    return found if any(t.local for t in able) else {BUILTIN: builtin, **found}


def build_encoders(
    targets: Mapping[str, Target],
    engines: Mapping[str, Engine],
    remote: Mapping[str, RemoteEncoder],
    embedder: Embedder,
) -> Encoders:
    served: dict[str, LocalEncoder] = {
        name: ServedEncoder(engine.target.model, engine.reach, engine.slots)
        for name, engine in engines.items()
        if EMBEDS in engine.target.abilities
    }
    local = {BUILTIN: StaticEncoder(embedder), **served}
    return Encoders(encoder_targets(targets, embedder.width), local, remote)
