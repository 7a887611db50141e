"""The running gateway behind the server: one set of resources, the current runtime."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ssl import SSLContext

from msgspec.structs import replace

from shortstop import routing
from shortstop.accounts import Accounts
from shortstop.app.build import build
from shortstop.app.chores import chores
from shortstop.app.desk import GatewayDesk
from shortstop.app.gauges import register_gauges, register_under_way
from shortstop.app.learned_state import LearnedState
from shortstop.app.reload import Reloader
from shortstop.app.resources import Resources
from shortstop.config import Config, ConfigSource, ServerConfig
from shortstop.dialects.embeddings import EmbeddingAnswer, EmbeddingRequest
from shortstop.errors import InvalidRequest
from shortstop.server.feedback import FeedbackRequest
from shortstop.server.gateway import AdminToken, Erased, Readiness, UnderWay
from shortstop.traces.responses import StoredResponses
from shortstop.types import (
    UNMETERED,
    Admission,
    Answer,
    Caller,
    CallerRole,
    Explanation,
    Json,
    Request,
    Target,
)
from shortstop.workers.context import WorkerContext

log = logging.getLogger("shortstop")

ANYBODY = Caller()


class Shortstop:
    """Implements server.Gateway. `config` is what `source` has loaded."""

    def __init__(
        self, config: Config, source: ConfigSource, workers: WorkerContext | None = None
    ) -> None:
        self.started = int(time.time())
        self.config_file = source.path
        self._resources = Resources(config, source.env, workers, self._redacted)
        self._warming: set[asyncio.Task[None]] = set()
        self._leaving = ""
        try:
            self._reloader = Reloader(source, self._resources, config.server.tls)
            resources = self._resources
            self._learned_state = LearnedState(
                resources.paths.brain, workers, resources.seal, resources.replica
            )
            self._runtime = build(config, self._resources, {}, self._learned_state.load())
            self._learned_state.listen(
                self._runtime.learned.state, lambda event: self._runtime.learn(event)
            )
            self._resources.admin_tokens.of(self.server.admin_token_env)
            self.desk = GatewayDesk(self._resources, lambda: self._runtime, source)
            self._resources.telemetry.follow(self.config, lambda: self._runtime.targets)
            self._resources.batching.follow(self.config)
            self.vendor_batches = lambda target: self._runtime.remotes.batches_of(target)
            self.files, self.batches = (
                self._resources.batching.files,
                self._resources.batching.batches,
            )
            register_gauges(
                self._resources,
                lambda: self._runtime.engines.values(),
                lambda: self._runtime.models.targets.values(),
            )
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Close what is open of a gateway that will not run."""
        self._resources.close()

    # -- what the server asks

    @property
    def server(self) -> ServerConfig:
        return self._runtime.config.server

    @property
    def targets(self) -> Mapping[str, Target]:
        return {**self._runtime.foundation.naming.offered(), **self._runtime.targets}

    @property
    def notices(self) -> Mapping[str, str]:
        return self._runtime.foundation.naming.notices()

    @property
    def accounts(self) -> Accounts:
        return self._resources.accounts

    @property
    def responses(self) -> StoredResponses:
        return self._resources.responses

    @property
    def admin_token(self) -> AdminToken:
        return self._resources.admin_tokens.of(self.server.admin_token_env)

    @property
    def asks_for_keys(self) -> bool:
        auth = self.server.auth
        return auth == "required" or (auth == "auto" and self.accounts.keys.any)

    @property
    def tls(self) -> SSLContext | None:
        """With what clients are met; None: they come without TLS."""
        certificate = self._reloader.certificate
        return None if certificate is None else certificate.context

    @property
    def forwards(self) -> frozenset[bytes]:
        return self._runtime.foundation.remotes.forwards

    def identify(self, secret: str | None) -> Caller:
        return self.accounts.identify(secret) if self.asks_for_keys else ANYBODY

    async def admit(self, request: Request, caller: Caller) -> Admission:
        if caller.key is None:
            return UNMETERED
        return await self.accounts.admitted_request(caller, request)

    async def count(self, caller: Caller) -> Admission:
        return UNMETERED if caller.key is None else await self.accounts.admitted(caller, 0)

    async def answer(self, request: Request, caller: Caller, admission: Admission) -> Answer:
        request, caller = await self._named(request, caller)
        return await self._runtime.pipelines.chat.answer(request, caller, admission)

    async def explain(self, request: Request, caller: Caller) -> Explanation:
        request, caller = await self._named(request, caller)
        verdict = await self._runtime.pipelines.clearing.look(request, caller)
        return routing.explain(self._runtime.learned, request, verdict, caller)

    async def _named(self, request: Request, caller: Caller) -> tuple[Request, Caller]:
        """With the names that are ours: the target's, and the caller's as rows may hold them.
        Raises InvalidRequest."""
        if not self._runtime.foundation.naming.idle:
            request = replace(request, model=await self._called(request.model))
        runtime, task = self._runtime, caller.task
        if task is not None and not runtime.guard.harmless(task, caller.tenant):
            raise InvalidRequest(
                "The header x-shortstop-task holds what looks like a personal or secret value.",
                hint="A task's name is written down in many places: name the kind of request.",
                param="x-shortstop-task",
            )
        return request, runtime.recorded(caller)

    async def embed(
        self, asked: EmbeddingRequest, id: str, caller: Caller, admission: Admission
    ) -> EmbeddingAnswer:
        if not self._runtime.foundation.naming.idle:
            asked = replace(asked, model=await self._called(asked.model, embeds=True))
        return await self._runtime.pipelines.embedding.answer(asked, id, caller, admission)

    async def count_tokens(self, request: Request, caller: Caller) -> int:
        if not self._runtime.foundation.naming.idle:
            request = replace(request, model=await self._called(request.model))
        return await self._runtime.count_tokens(request, caller)

    async def _called(self, name: str, *, embeds: bool = False) -> str:
        """The target that a client calls `name`. One that only a pattern names is opened."""
        naming = self._runtime.foundation.naming
        name = naming.real(name)
        if naming.opening(name, embeds=embeds) is not None:
            async with self._reloader.turn:
                opening = self._runtime.foundation.naming.opening(name, embeds=embeds)
                if opening is not None:
                    self._runtime = self._reloader.opened(self._runtime, opening)
        return name

    def knows(self, model: str, tenant: str) -> bool:
        mine = [t for t in self.targets.values() if not t.tenants or tenant in t.tenants]
        return self._runtime.foundation.naming.knows(model, mine)

    async def feedback(self, body: FeedbackRequest, role: CallerRole, tenant: str | None) -> bool:
        if body.run:
            return await self._run_outcome(body.run, body, role, tenant)
        feedback = routing.Feedback(
            request_id=body.request_id,
            score=body.score,
            label=body.label,
            correction=body.correction,
            answer=body.answer,
            source=role,
            target=body.target,
            tenant=tenant,
        )
        return await self._runtime.pipelines.feedback.taken(feedback)

    async def _run_outcome(
        self, run: str, body: FeedbackRequest, role: CallerRole, tenant: str | None
    ) -> bool:
        score = float(body.label or False) if body.score is None else body.score
        name = self._runtime.run_name(run, tenant or ANYBODY.tenant)
        outcomes = self._runtime.pipelines.outcomes
        return await self._resources.calls.need(partial(outcomes.take, name, score, role, tenant))

    async def erase(self, tenant: str, conversation: str) -> Erased:
        """What was kept of a conversation: surrogates for all workers, content in the traces,
        stored responses, answers kept for retries, files and lines of batches."""
        resources = self._resources
        resources.paths.erased.touch()
        surrogates = await asyncio.to_thread(resources.vault.erase, (tenant, conversation))
        traces = await asyncio.to_thread(resources.traces.forget, tenant, conversation)
        responses = await asyncio.to_thread(resources.responses.forget, tenant, conversation)
        answers = await asyncio.to_thread(resources.accounts.answers.forget, tenant, conversation)
        files = await asyncio.to_thread(self.files.forget, tenant, conversation)
        return Erased(surrogates, traces, responses, answers, files)

    def readiness(self) -> Readiness:
        readiness = self._runtime.readiness(self._resources.traces.health())
        replica = self._resources.replica
        if replica is not None:
            readiness = replace(readiness, replica=replica.readiness)
        why = self._leaving or (replica.unfit if replica is not None else "")
        return replace(readiness, ready=False, why=why) if why else readiness

    def leave(self) -> None:
        """Not ready from now on: who sends requests is to send them to others."""
        self._leaving = "This gateway is about to end."

    def metrics(self) -> bytes:
        return self._resources.metrics.text()

    def follow(self, under_way: Callable[[], UnderWay]) -> None:
        register_under_way(self._resources.metrics, under_way)

    def refused(self, status: int) -> None:
        self._resources.metrics.refused(status)

    async def reload(self) -> str:
        """Read the file again, in this process or in all workers."""
        if self._resources.workers is not None:
            return self._reloader.ask_supervisor(self._runtime.config)
        return await self.swap()

    async def swap(self) -> str:
        """Go on with a runtime built from the file as it is now. Raises ShortstopError."""
        async with self._reloader.turn:
            self._runtime = await self._reloader.next_runtime(self._runtime)
        self._warm_beside()
        names = ", ".join(self._runtime.foundation.targets)
        log.info("configuration reloaded: %s", names)
        return f"targets: {names}"

    async def restaff(self) -> None:
        """Go on with the specialists that are placed now. New ones are opened meanwhile."""
        async with self._reloader.turn:
            self._runtime = await self._reloader.restaffed(self._runtime)
        self._warm_beside()

    async def relearn(self, state: routing.State) -> None:
        """Go on with another state of what was learned, and what this machine has seen itself."""
        async with self._reloader.turn:
            self._runtime = await self._reloader.restaffed(self._runtime, state)
            # At once: what is published from here on is numbered after what was published before.
            self._learned_state.listen_anew()
        self._warm_beside()

    async def _warm_specialists(self) -> None:
        """Open those that are placed now, and load their adapters: until then they decline."""
        runtime, resources = self._runtime, self._resources
        targets = runtime.models.targets
        await resources.specialists.warm(targets)
        alone = resources.workers is None
        await resources.adapters.follow(runtime.config, runtime.engines, targets, alone=alone)

    def _warm_beside(self) -> None:
        task = asyncio.create_task(self._warm_specialists())
        self._warming.add(task)
        task.add_done_callback(self._warming.discard)

    async def _stop_warming(self) -> None:
        for task in self._warming:
            task.cancel()
        await asyncio.gather(*self._warming, return_exceptions=True)

    # -- life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the engines, serve, and leave nothing behind. A start that fails saves nothing."""
        async with AsyncExitStack() as leaving:
            leaving.callback(self._resources.close)
            leaving.push_async_callback(self._resources.stop_children)
            leaving.push_async_callback(self._resources.telemetry.close)
            await self._runtime.start()
            leaving.callback(self._learned_state.save_at_the_end, self.snapshot)
            leaving.push_async_callback(self._close_runtime)
            leaving.push_async_callback(self._stop_warming)
            await self._resources.warm()
            self._runtime.guard.warm()
            await self._warm_specialists()
            for chore in chores(self._resources, self._learned_state, self):
                leaving.callback(asyncio.create_task(chore).cancel)
            yield

    def alarmed(self) -> list[tuple[Target, str]]:
        """The specialists whose contract's alarm stands, each with its task."""
        return self._runtime.learned.alarmed()

    def broken(self) -> Mapping[str, bool | None]:
        """Every model: whether it fails now; None where nothing is known."""
        return self._runtime.broken()

    def broken_promises(self) -> Sequence[tuple[str, str, str]]:
        """Tenant, task and target of each promise whose alarm stands."""
        return self._runtime.broken_promises()

    def config(self) -> Config:
        """The one in force."""
        return self._runtime.config

    def snapshot(self) -> bytes:
        """What the router has learned."""
        return routing.dump_state(self._runtime.learned.state)

    def sweep_runs(self) -> int:
        """Forget the runs that are over; how many."""
        return self._runtime.pipelines.runs.sweep()

    async def _close_runtime(self) -> None:
        await self._reloader.close()
        await self._runtime.close()

    def _redacted(self, body: Json, tenant: str) -> Json:
        return self._runtime.redacted(body, tenant)
