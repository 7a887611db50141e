"""What one configuration built and a reload replaces as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from dataclasses import dataclass

from shortstop.app.callers import recorded, run_name
from shortstop.app.counting import TokenCounter
from shortstop.app.engines import Engine, start_all
from shortstop.app.foundation import Foundation
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
from shortstop.workers.news import NewsEvent
from shortstop.workers.shared_router import SharedRouter


@dataclass(slots=True)
class Runtime:
    """Engines, upstreams and pipelines of one configuration, with the specialists of the moment.

    `router` is `learned` itself, or shares what it sees with other processes.
    """

    foundation: Foundation
    models: Models
    learned: LearnedRouter
    router: AnyRouter
    pipelines: Pipelines

    @property
    def config(self) -> Config:
        return self.foundation.config

    @property
    def engines(self) -> Mapping[str, Engine]:
        return self.foundation.engines

    @property
    def remotes(self) -> Remotes:
        return self.foundation.remotes

    @property
    def guard(self) -> PrivacyGuard:
        return self.foundation.guard

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
        rests = {name: up.open_for for name, up in self.remotes.upstreams.items()}
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
            config=self.foundation.fingerprint,
        )

    def _state_of(self, name: str, engine: Engine) -> str:
        """In one word; of somebody else's server what its answers say of it."""
        if engine.server is not None:
            return engine.server.state
        health = self.models.health.get(name)
        return "down" if health is not None and health.down else "external"

    def broken(self) -> dict[str, bool | None]:
        """Every model: whether it fails now; None where nothing is known."""
        found = {name: up.broken for name, up in self.remotes.upstreams.items()}
        for name, engine in self.engines.items():
            health = self.models.health.get(name)
            if engine.server is not None:
                found[name] = {"failed": True, "ready": False}.get(engine.server.state)
            else:
                found[name] = None if health is None else health.broken
        return found

    def broken_promises(self) -> list[tuple[str, str, str]]:
        """Tenant, task and target of each promise whose alarm stands; task and target "" of the
        promise over all tasks."""
        lines = [line for line in self.learned.promises() if line.standing == "alarm"]
        overall = self.learned.overall().items()
        return [
            *((line.tenant, line.task, line.target) for line in lines),
            *((owner, "", "") for owner, report in overall if report.standing == "alarm"),
        ]

    def redacted(self, body: Json, tenant: str) -> Json:
        """`body` without what the guard finds in it. Raises ValueError when something is left."""
        return redacted(self.guard, body, tenant)

    def run_name(self, name: str, tenant: str) -> str:
        """By which a run that a client calls `name` is known."""
        return run_name(self.guard, name, tenant)

    def recorded(self, caller: Caller) -> Caller:
        """As rows may name it."""
        return recorded(self.guard, caller, self.config.traces.users)

    def learn(self, event: NewsEvent) -> None:
        """What another process has seen."""
        if isinstance(self.router, SharedRouter):
            self.router.learn(event)

    async def start(self, kept: Container[str] = ()) -> None:
        """Start the engines that are not `kept` from another runtime; all or none of them."""
        await start_all([e for name, e in self.engines.items() if name not in kept])

    async def dissolve(self) -> None:
        """Close what stands on the foundation, which goes on."""
        await self.pipelines.shadows.close()

    async def close(self, kept: Container[str] = ()) -> None:
        """Close everything but the engines that are `kept` for another runtime."""
        await self.dissolve()
        await self.remotes.close()
        closing = [e.close() for name, e in self.engines.items() if name not in kept]
        await asyncio.gather(*closing)
