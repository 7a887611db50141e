"""The running gateway behind the server: one set of resources, the current runtime."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from shortstop import routing
from shortstop.accounts import Accounts
from shortstop.app.build import build
from shortstop.app.gauges import register_gauges
from shortstop.app.housekeeping import keep_house
from shortstop.app.learned_state import LearnedState
from shortstop.app.reload import Reloader
from shortstop.app.resources import Resources
from shortstop.config import Config, ConfigSource, ServerConfig
from shortstop.dialects.embeddings import EmbeddingAnswer, EmbeddingRequest
from shortstop.errors import InvalidRequest
from shortstop.faults import contained
from shortstop.server.feedback import FeedbackRequest
from shortstop.server.gateway import AdminToken, Erased, Readiness
from shortstop.traces.responses import StoredResponses
from shortstop.types import (
    UNMETERED,
    Admission,
    Answer,
    Caller,
    CallerRole,
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
        self._resources = Resources(config, source.env, workers, self._redacted)
        try:
            self._reloader = Reloader(source, self._resources)
            self._learned_state = LearnedState(
                self._resources.paths.brain, workers, self._resources.seal
            )
            self._runtime = build(config, self._resources, {}, self._learned_state.load())
            if workers is not None:
                # Workers that begin with the same state must not draw the same lots.
                self._runtime.learned.state.draws += workers.index << 40
                workers.listen(lambda news: self._runtime.learn(news))
            self._resources.admin_tokens.of(self.server.admin_token_env)
            register_gauges(self._resources, lambda: self._runtime.engines.values())
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
        return self._runtime.targets

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

    def identify(self, secret: str | None) -> Caller:
        return self.accounts.identify(secret) if self.asks_for_keys else ANYBODY

    def admit(self, request: Request, caller: Caller) -> Admission:
        if caller.key is None:
            return UNMETERED
        return self.accounts.admit_request(caller, request)

    def count(self, caller: Caller) -> Admission:
        return UNMETERED if caller.key is None else self.accounts.admit(caller, 0)

    async def answer(self, request: Request, caller: Caller, admission: Admission) -> Answer:
        runtime, task = self._runtime, caller.task
        if task is not None and not runtime.guard.harmless(task, caller.tenant):
            raise InvalidRequest(
                "The header x-shortstop-task holds what looks like a personal or secret value.",
                hint="A task's name is written down in many places: name the kind of request.",
                param="x-shortstop-task",
            )
        return await runtime.pipelines.chat.answer(request, caller, admission)

    async def embed(
        self, asked: EmbeddingRequest, id: str, caller: Caller, admission: Admission
    ) -> EmbeddingAnswer:
        return await self._runtime.pipelines.embedding.answer(asked, id, caller, admission)

    async def count_tokens(self, request: Request, caller: Caller) -> int:
        return await self._runtime.count_tokens(request, caller)

    def feedback(self, body: FeedbackRequest, role: CallerRole, tenant: str | None) -> bool:
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
        return self._runtime.pipelines.feedback.take(feedback)

    async def erase(self, tenant: str, conversation: str) -> Erased:
        """What was kept of a conversation: surrogates for all workers, content in the traces,
        stored responses, answers kept for retries."""
        resources = self._resources
        surrogates = resources.vault.erase((tenant, conversation))
        traces = await asyncio.to_thread(resources.traces.forget, tenant, conversation)
        responses = await asyncio.to_thread(resources.responses.forget, tenant, conversation)
        answers = await asyncio.to_thread(resources.accounts.answers.forget, tenant, conversation)
        return Erased(surrogates=surrogates, traces=traces, responses=responses, answers=answers)

    def readiness(self) -> Readiness:
        return self._runtime.readiness(self._resources.traces.health())

    def metrics(self) -> bytes:
        return self._resources.metrics.text()

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
        names = ", ".join(self._runtime.models.targets)
        log.info("configuration reloaded: %s", names)
        return f"targets: {names}"

    # -- life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the engines, serve, and leave nothing behind. A start that fails saves nothing."""
        async with AsyncExitStack() as leaving:
            leaving.callback(self._resources.close)
            leaving.push_async_callback(self._resources.stop_tagger)
            await self._runtime.start()
            leaving.callback(self._save_learned)
            leaving.push_async_callback(self._close_runtime)
            await self._resources.warm()
            self._runtime.guard.warm()
            for chore in self._chores():
                leaving.callback(asyncio.create_task(chore).cancel)
            yield

    def _chores(self) -> Iterator[Coroutine[None, None, None]]:
        """What goes on beside the answers."""
        yield self._learned_state.keep_saving(self._snapshot)
        if self._resources.workers is None or self._resources.workers.leader:
            yield keep_house(self._resources)

    async def _close_runtime(self) -> None:
        await self._reloader.close()
        await self._runtime.close()

    def _save_learned(self) -> None:
        with contained("saving the router's state"):
            self._learned_state.save(self._snapshot)

    def _snapshot(self) -> bytes:
        return routing.dump_state(self._runtime.learned.state)

    def _redacted(self, body: Json, tenant: str) -> Json:
        return self._runtime.redacted(body, tenant)
