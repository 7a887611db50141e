"""One of the configured models, alone: for a command that asks it without a gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from shortstop.app.engines import Engine, backend_of, build_engine, start_all
from shortstop.app.guard import build_guard
from shortstop.app.resources import Resources
from shortstop.app.upstreams import Remotes, build_remotes
from shortstop.config import Config
from shortstop.errors import ConfigError
from shortstop.privacy import PrivacyGuard
from shortstop.serving.models import Models


@dataclass(frozen=True, slots=True)
class OneModel:
    """`models` holds it, behind `guard`; `engines` runs it, where it is local."""

    models: Models
    guard: PrivacyGuard
    engines: Mapping[str, Engine]
    remotes: Remotes

    @classmethod
    async def started(cls, config: Config, name: str, resources: Resources) -> OneModel:
        """Raises ConfigError where its key is not set, ModelFileError or EngineDown where a local
        one does not start."""
        guard = build_guard(config, resources)
        guard.warm()
        if name in config.models:
            engine = build_engine(name, config.models[name], resources.models, resources.env)
            await start_all([engine])
            models = Models({name: engine.target}, {name: backend_of(engine)}, {}, guard)
            return cls(models, guard, {name: engine}, Remotes())
        owner = {n: up for n, up in config.upstreams.items() if name in up.models}
        if not owner:
            raise ConfigError(
                f"{name!r} is named under neither [models] nor an upstream.",
                hint="Without a gateway no upstream is asked what models it has: write its name"
                " under `[upstreams.NAME.models]`.",
            )
        remotes = build_remotes(replace(config, upstreams=owner), resources.env)
        targets = {name: remotes.targets[name]}
        return cls(Models(targets, {}, remotes.upstreams, guard), guard, {}, remotes)

    async def close(self) -> None:
        await self.remotes.close()
        for engine in self.engines.values():
            await engine.close()
