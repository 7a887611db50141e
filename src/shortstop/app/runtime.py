"""What one configuration built and a reload replaces as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from dataclasses import dataclass

from shortstop.app.counting import TokenCounter
from shortstop.app.engines import Engine, start_all
from shortstop.app.pipelines import Pipelines
from shortstop.app.router import AnyRouter
from shortstop.app.upstreams import Remotes
from shortstop.config import Config
from shortstop.privacy.guard import PrivacyGuard
from shortstop.privacy.redact import redacted
from shortstop.routing import LearnedRouter
from shortstop.server.gateway import Readiness, TracesReadiness
from shortstop.serving.models import Models
from shortstop.traces import StoreHealth
from shortstop.types import Caller, Json, Request, Target
from shortstop.workers.news import News
from shortstop.workers.shared_router import SharedRouter


@dataclass(slots=True)
class Runtime:
    """Engines, upstreams and pipelines of one configuration.

    `router` is `learned` itself, or shares what it sees with other workers.
    """

    config: Config
    engines: Mapping[str, Engine]
    remotes: Remotes
    models: Models
    guard: PrivacyGuard
    learned: LearnedRouter
    router: AnyRouter
    pipelines: Pipelines

    @property
    def targets(self) -> Mapping[str, Target]:
        """Models for chat, then those for embeddings."""
        return {**self.models.targets, **self.pipelines.embedding.targets}

    async def count_tokens(self, request: Request, caller: Caller) -> int:
        """By the model itself where it counts and may see the prompt, else an estimate.

        A key may count what it may ask: raises Forbidden or QuotaExceeded.
        """
        preferred = self.config.routing.local
        counter = TokenCounter(self.models, self.engines, self.remotes, self.pipelines, preferred)
        return await counter.count(request, caller)

    def readiness(self, traces: StoreHealth) -> Readiness:
        """Ready when somebody can answer, and no engine is still starting."""
        engines = {name: self._state_of(name, engine) for name, engine in self.engines.items()}
        rests = {name: up.breaker.open_for for name, up in self.remotes.upstreams.items()}
        starting = [name for name, state in engines.items() if state == "starting"]
        usable = not {"ready", "external"}.isdisjoint(engines.values()) or 0.0 in rests.values()
        why = [f"The local model {name!r} is starting." for name in starting]
        if not usable and not starting:
            why = [
                *(f"The local model {name!r} is {state}." for name, state in engines.items()),
                *(f"{name!r} failed and is left alone for {t:.0f} s." for name, t in rests.items()),
            ]
        return Readiness(
            ready=usable and not starting,
            engines=engines,
            upstreams={name: "open" if rest else "closed" for name, rest in rests.items()},
            traces=TracesReadiness(traces.state, traces.detail, traces.pending),
            why=" ".join(why if usable else ["Nothing can answer now.", *why]),
        )

    def _state_of(self, name: str, engine: Engine) -> str:
        """In one word; of somebody else's server what its answers say of it."""
        if engine.server is not None:
            return engine.server.state
        health = self.models.health.get(name)
        return "down" if health is not None and health.down else "external"

    def redacted(self, body: Json, tenant: str) -> Json:
        """`body` without what the guard finds in it. Raises ValueError when something is left."""
        return redacted(self.guard, body, tenant)

    def learn(self, news: News) -> None:
        """What another worker has seen."""
        if isinstance(self.router, SharedRouter):
            self.router.learn(news)

    async def start(self, kept: Container[str] = ()) -> None:
        """Start the engines that are not `kept` from another runtime; all or none of them."""
        await start_all([e for name, e in self.engines.items() if name not in kept])

    async def close(self, kept: Container[str] = ()) -> None:
        """Close everything but the engines that are `kept` for another runtime."""
        await self.pipelines.shadows.close()
        for egress in self.remotes.egresses:
            await egress.close()
        closing = [e.close() for name, e in self.engines.items() if name not in kept]
        await asyncio.gather(*closing)
