"""The running gateway behind the door."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from shortstop import dialects, registry, routing
from shortstop.accounts import Accounts
from shortstop.app.clock import CLOCK
from shortstop.app.encoders import EMBEDS, encoder_targets, local_encoders
from shortstop.app.engines import Engine, backend_of, build_engine, start_all
from shortstop.app.runtime import Budgets, Runtime, build_upstreams, rebuild, signed
from shortstop.config import (
    Config,
    PrivacyConfig,
    ServerConfig,
    load,
)
from shortstop.dialects.embeddings import EmbeddingReply, EmbeddingRequest
from shortstop.errors import InvalidRequest, PrivacyRefused, ShortstopError, TargetError
from shortstop.ledger import Books
from shortstop.ledger.rapl import Rapl
from shortstop.pipeline.chat import Pipeline
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.compare import Comparison
from shortstop.pipeline.embedding import Embedding
from shortstop.pipeline.judge import Judge
from shortstop.pipeline.shadow import Shadows
from shortstop.ports import Dialect
from shortstop.privacy import PrivacyGuard, PrivacyStores
from shortstop.privacy.audit import AuditLog
from shortstop.privacy.detectors import GRACE
from shortstop.privacy.keys import audit_key, privacy_key
from shortstop.privacy.names.tagger import Tagger, TaggerDown
from shortstop.privacy.redact import redacted
from shortstop.privacy.replace.vault import Vault
from shortstop.privacy.replies import Replies
from shortstop.privacy.taint import MOST, Taint
from shortstop.routing import LearnedRouter, State
from shortstop.server.gateway import Readiness
from shortstop.serving.cascade import Cascade
from shortstop.telemetry.metrics import Metrics
from shortstop.tokens import prompt_tokens
from shortstop.traces import TraceStore
from shortstop.traces.responses import ResponseStore
from shortstop.traces.seal import Seal
from shortstop.traces.taints import TaintStore
from shortstop.types import (
    Answer,
    Caller,
    DialectName,
    Json,
    Request,
    Target,
)
from shortstop.workers.context import News, SharedRouter, WorkerContext

log = logging.getLogger("shortstop")

SAVE_SECONDS = 60
ANYBODY = Caller()
NO_LIMITS: Mapping[str, str] = {}


class Shortstop:
    """The running gateway behind the door: one store, one set of metrics, the current street."""

    def __init__(
        self,
        config: Config,
        path: Path | None,
        env: Mapping[str, str],
        crew: WorkerContext | None = None,
    ) -> None:
        self._crew = crew
        self._path = path
        self._env = env
        self._home = registry.home(config.data_dir, env)
        self._models = registry.open(self._home)
        self._metrics = Metrics(asyncio.get_running_loop().call_later)
        seal = Seal.of(env, config.traces.key_env)
        self._store = TraceStore(
            _trace_file(config, self._home),
            config.traces,
            CLOCK,
            redact=self._redacted,
            seal=seal,
        )
        self.responses = ResponseStore(self._home / "responses.db", CLOCK, seal)
        self.accounts = Accounts(self._home / "accounts.db", CLOCK, seal)
        brief = config.privacy.vault_hours * 3600
        self._taints = TaintStore(
            self._home / "taint.db", CLOCK, config.traces.retention_days * 86_400, brief
        )
        self._taint = _taint(self._taints, brief, shared=crew is not None)
        self._privacy_key = privacy_key(config.privacy, env)
        self._vault = Vault(
            CLOCK.time,
            brief,
            path=_vault_file(config, self._home, env, crew),
            key=self._privacy_key,
        )
        self._tagger: Tagger | None = None
        self._audit: AuditLog | None = None
        self._reloading = asyncio.Lock()
        self.started = int(time.time())
        self._street = self._build(config, {}, self._saved_state())
        if crew is not None:
            # Workers that begin with the same state must not draw the same lots.
            self._street.brain.state.draws += crew.index << 40
            crew.listen(self._hear)
        self._watch()

    # -- what the door asks

    @property
    def server(self) -> ServerConfig:
        return self._street.config.server

    @property
    def targets(self) -> Mapping[str, Target]:
        return self._street.targets | dict(self._street.embedding.targets)

    @property
    def admin_token(self) -> str | None:
        return self._env.get(self.server.admin_token_env) or None

    def dialect(self, name: DialectName) -> Dialect:
        return dialects.get(name)

    @property
    def asks_for_keys(self) -> bool:
        auth = self.server.auth
        return auth == "required" or (auth == "auto" and self.accounts.keys.any)

    def identify(self, secret: str | None) -> Caller:
        return self.accounts.identify(secret) if self.asks_for_keys else ANYBODY

    def admit(self, request: Request, caller: Caller) -> Mapping[str, str]:
        if caller.key is None:
            return NO_LIMITS
        asked = prompt_tokens(request) + (request.sampling.max_tokens or 0)
        return self.accounts.admit(request.id, caller, asked)

    async def answer(self, request: Request, caller: Caller) -> Answer:
        street = self._street
        if caller.task is not None and not street.guard.harmless(caller.task, caller.tenant):
            raise InvalidRequest(
                "The header x-shortstop-task holds what privacy takes for a value.",
                hint="A task's name is written down in many places: name the kind of request.",
                param="x-shortstop-task",
            )
        return await street.pipeline.answer(request, caller)

    async def embed(self, said: EmbeddingRequest, id: str, caller: Caller) -> EmbeddingReply:
        return await self._street.embedding.answer(said, id, caller)

    async def count_tokens(self, request: Request, caller: Caller) -> int:
        street = self._street
        engine, upstream = self._counter(request.model), street.upstreams.get(request.model)
        try:
            if engine is not None:
                return await backend_of(engine).count(request)
            if upstream is not None and upstream.counts:
                clearance = await street.verdicts.of(request, caller)
                clearance = await street.guard.prepare(request, clearance)
                target = street.targets[request.model]
                return await upstream.count(street.guard.release(request, clearance, target))
        except (PrivacyRefused, TargetError):
            pass
        return prompt_tokens(request)

    def _counter(self, model: str) -> Engine | None:
        """The local model that is named; `auto` and `local` are the one that is asked first."""
        engines = self._street.engines
        if model in ("auto", "local"):
            chats = (name for name in engines if name in self._street.targets)
            model = self._street.config.routing.local or next(chats, "")
        return engines.get(model)

    def feedback(self, said: Json, caller: Caller) -> bool:
        try:
            heard = msgspec.convert(said, routing.Feedback)
            return self._street.router.feedback(replace(heard, tenant=caller.tenant))
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"This is no feedback: {error}.") from error

    async def erase(self, tenant: str, conversation: str) -> Json:
        """What was kept of a conversation: surrogates for all workers, content in the traces,
        stored responses."""
        held = self._vault.erase((tenant, conversation))
        emptied = await asyncio.to_thread(self._store.forget, tenant, conversation)
        dropped = self.responses.forget(tenant, conversation)
        return {"surrogates": held, "traces": emptied, "responses": dropped}

    def readiness(self) -> Readiness:
        """Ready when every embedded engine is; a failed one is tolerable with a frontier."""
        engines = {name: e.ready for name, e in self._street.engines.items()}
        store = self._store.health()
        detail: Json = {
            "engines": {
                name: e.server.state if e.server else "external"
                for name, e in self._street.engines.items()
            },
            "upstreams": {
                name: "open" if u.breaker.open_for else "closed"
                for name, u in self._street.upstreams.items()
            },
            "traces": {"state": store.state, "detail": store.detail, "pending": store.pending},
        }
        starting = any(
            e.server is not None and e.server.state == "starting"
            for e in self._street.engines.values()
        )
        usable = any(engines.values()) or bool(self._street.upstreams)
        return Readiness(usable and not starting, detail)

    def metrics(self) -> bytes:
        return self._metrics.text()

    def refused(self, status: int) -> None:
        self._metrics.refused(status)

    async def reload(self) -> str:
        """Read the file again, in this process or in all workers of the crew."""
        if self._crew is None:
            return await self.swap()
        load(self._path, self._env)
        os.kill(os.getppid(), signal.SIGHUP)
        return "all workers are reading the file again"

    async def swap(self) -> str:
        """Swap in a street built from the file as it is now; running requests finish in theirs."""
        async with self._reloading:
            config = load(self._path, self._env)
            old = self._street
            config = replace(config, server=_keep_address(config.server, old.config.server))
            kept = {n: e for n, e in old.engines.items() if config.models.get(n) == e.config}
            new = self._build(config, kept, old.brain.state)
            await start_all([e for n, e in new.engines.items() if n not in kept])
            await self._warm()
            self._street = new
            self._retire(old, set(kept))
            names = ", ".join(new.targets)
            log.info("configuration reloaded: %s", names)
            return f"targets: {names}"

    # -- life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the engines, serve, and leave nothing behind."""
        await start_all(list(self._street.engines.values()))
        await self._warm()
        self._street.guard.warm()
        saver = asyncio.create_task(self._save_now_and_then())
        try:
            yield
        finally:
            saver.cancel()
            await self._street.close_egress()
            if self._tagger is not None:
                await self._tagger.close()
            await asyncio.gather(*(e.close() for e in self._street.engines.values()))
            self._save_state()
            self._metrics.tell()
            self._store.close()
            self.accounts.close()
            self.responses.close()
            self._taints.close()
            if self._crew is not None:
                self._crew.close()
            self._vault.close()
            if self._audit is not None:
                self._audit.close()

    def _build(self, config: Config, kept: dict[str, Engine], state: State | None) -> Runtime:
        engines = {
            name: kept.get(name) or build_engine(name, model, self._models, self._env, self._crew)
            for name, model in config.models.items()
        }
        egresses, upstreams, remote = build_upstreams(config, self._env)
        every = {name: engine.target for name, engine in engines.items()} | remote
        targets = {name: t for name, t in every.items() if EMBEDS not in t.abilities}
        prior = routing.packaged()
        brain = LearnedRouter(targets, config, state, prior)
        slots = {name: engine.slots.slots for name, engine in engines.items()}
        books = Books(targets | every, config, slots=slots, meter=Rapl.find(CLOCK))
        for name in books.unpriced():
            log.warning("no price is known for %s: its costs are shown as unknown", name)
        guard = PrivacyGuard(
            config.privacy,
            rebuild,
            PrivacyStores(
                self._privacy_key, self._vault, self._taint, self._audit_log(config.privacy)
            ),
            CLOCK,
            baa=signed(config),
            watcher=self._metrics,
            tagger=self._tagger_for(config),
        )
        router = SharedRouter(brain, self._crew) if self._crew else brain
        cascade = Cascade(
            targets=targets,
            backends={n: backend_of(e) for n, e in engines.items() if n in targets},
            upstreams=upstreams,
            guard=guard,
            looker=router,
            agree=partial(_agreement, router),
            clock=CLOCK,
            commit_tokens=config.routing.commit_tokens,
        )
        observers = (self._metrics.observe, router.observe)
        shadows = Shadows(
            targets=targets,
            ask=cascade.ask,
            compare=Comparison(router, self._judge(config, targets, cascade, guard, books)),
            lose=lambda trace: router.lost(trace.id),
            agree=partial(_agreement, router) if config.routing.second_answer else None,
            books=books,
            recorder=self._store,
            clock=CLOCK,
            observers=observers,
        )
        budgets = Budgets(self.accounts, books)
        pipeline = Pipeline(
            guard=guard,
            router=router,
            cascade=cascade,
            books=books,
            recorder=self._store,
            clock=CLOCK,
            observers=(*observers, self.accounts.settle),
            shadows=shadows,
            purser=budgets,
            replies=Replies(config.privacy, guard),
            patience=config.privacy.timeout + GRACE,
        )
        embedding = Embedding(
            targets=encoder_targets(every, prior.embedder.width),
            local=local_encoders(engines, prior.embedder),
            remote=upstreams,
            guard=guard,
            books=books,
            recorder=self._store,
            clock=CLOCK,
            purser=budgets,
            observers=(self._metrics.observe, self.accounts.settle),
            patience=config.privacy.timeout + GRACE,
        )
        return Runtime(
            config,
            engines,
            egresses,
            upstreams,
            targets,
            guard,
            brain,
            router,
            pipeline,
            shadows,
            embedding,
            Clearing(guard, config.privacy.timeout + GRACE),
        )

    def _tagger_for(self, config: Config) -> Tagger | None:
        """One process for all streets; a changed deadline holds from the next start on."""
        if config.privacy.ner == "off":
            return None
        if self._tagger is None:
            self._tagger = Tagger(config.privacy.ner_timeout)
        return self._tagger

    async def _warm(self) -> None:
        """The tagger loads its model before the first escalation, which would else stay local."""
        if self._tagger is not None:
            try:
                await self._tagger.start()
            except (TaggerDown, TimeoutError) as error:
                log.error("names cannot be read, nothing that may hold some leaves: %s", error)

    def _judge(
        self,
        config: Config,
        targets: Mapping[str, Target],
        cascade: Cascade,
        guard: PrivacyGuard,
        books: Books,
    ) -> Judge | None:
        name = config.judge.target
        if name is None:
            return None
        return Judge(
            name,
            config.judge.rate,
            local=targets[name].local,
            ask=cascade.ask,
            compose=dialects.get("openai.chat").decode_request,
            guard=guard,
            books=books,
            recorder=self._store,
            clock=CLOCK,
        )

    def _retire(self, old: Runtime, kept: set[str]) -> None:
        """Close what the old street alone used, once its requests had time to finish."""

        async def later() -> None:
            await asyncio.sleep(old.config.server.drain_seconds)
            await old.close_egress()
            await asyncio.gather(*(e.close() for n, e in old.engines.items() if n not in kept))

        self._retiring = asyncio.create_task(later())
        # A street refers to itself in many places, and full collections are rare here.
        self._retiring.add_done_callback(lambda _: asyncio.get_running_loop().call_soon(gc.collect))

    def _audit_log(self, config: PrivacyConfig) -> AuditLog | None:
        """The one that is open, where a reload names the same file. Raises ShortstopError."""
        if config.audit is None:
            self._audit = None
        elif self._audit is None or self._audit.path != Path(config.audit):
            self._audit = AuditLog(Path(config.audit), audit_key(config, self._env))
        return self._audit

    def _redacted(self, body: Json, tenant: str) -> Json:
        return redacted(self._street.guard, body, tenant)

    def _watch(self) -> None:
        def engines() -> list[Engine]:
            return list(self._street.engines.values())

        watch = self._metrics.watch
        watch(
            "shortstop_engine_running",
            "Requests in engine slots.",
            lambda: sum(e.slots.running for e in engines()),
        )
        watch(
            "shortstop_engine_waiting",
            "Requests waiting for an engine slot.",
            lambda: sum(e.slots.waiting for e in engines()),
        )
        watch(
            "shortstop_traces_pending",
            "Rows not yet in the database.",
            lambda: self._store.health().pending,
        )
        watch(
            "shortstop_traces_dropped",
            "Rows lost because they could not be written.",
            lambda: self._store.health().dropped,
        )

        watch(
            "shortstop_audit_head_age_seconds",
            "Since the audit log's head was written; 0 without an audit log.",
            lambda: max(0.0, time.time() - self._audit.head_at) if self._audit else 0.0,
        )

    # -- the crew

    def _hear(self, news: News) -> None:
        """Another worker has seen something."""
        if isinstance(self._street.router, SharedRouter):
            self._street.router.learn(news)

    # -- the router's memory

    @property
    def _state_file(self) -> Path:
        return self._home / "brain.bin"

    def _saved_state(self) -> State | None:
        try:
            return State.restore(self._state_file.read_bytes())
        except FileNotFoundError:
            return None
        except (ShortstopError, ValueError) as error:
            log.warning("the router's saved state cannot be read and is ignored: %s", error)
            return None

    def _save_state(self) -> None:
        if self._crew is not None:
            self._crew.catch_up()
            if not self._crew.leader:
                return
        spare = self._state_file.with_suffix(".tmp")
        spare.write_bytes(self._street.brain.snapshot())
        spare.replace(self._state_file)

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            try:
                self._save_state()
            except OSError as error:
                log.warning("the router's state could not be saved: %s", error.strerror)


def _agreement(router: LearnedRouter | SharedRouter, task: str, one: str, other: str) -> float:
    return routing.grade(router.grader(task), one, other)


def _taint(store: TaintStore, brief: float, *, shared: bool) -> Taint:
    """With what conversations held before the start."""
    taint = Taint(keep=store.keep, find=store.find, shared=shared, brief=brief)
    taint.load(store.newest(MOST))
    return taint


def _trace_file(config: Config, home: Path) -> Path:
    return Path(config.traces.path) if config.traces.path else home / "traces.db"


def _vault_file(
    config: Config, home: Path, env: Mapping[str, str], crew: WorkerContext | None
) -> Path | None:
    """Lasting under the operator's key, shared by workers; else one process's memory will do."""
    lasting = crew is not None or bool(env.get(config.privacy.key_env))
    return home / "vault.db" if lasting else None


def _keep_address(new: ServerConfig, old: ServerConfig) -> ServerConfig:
    """A listening socket is not moved by a reload."""
    return replace(new, host=old.host, port=old.port)
