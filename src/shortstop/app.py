"""The composition root: the only place where concrete things are built and joined."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import uvicorn
from msgspec.structs import replace
from starlette.types import ASGIApp

from shortstop import dialects, registry, routing
from shortstop.accounts import Accounts
from shortstop.config import (
    Config,
    ModelConfig,
    ServerConfig,
    UpstreamConfig,
    UpstreamModel,
    is_loopback,
    load,
)
from shortstop.errors import ConfigError, EngineDown, InvalidRequest, ModelFileError, ShortstopError
from shortstop.ledger import Books
from shortstop.ledger.rapl import Rapl
from shortstop.pipeline import Pipeline
from shortstop.ports import Backend, Dialect
from shortstop.privacy import Sentinel
from shortstop.privacy.audit import AuditLog
from shortstop.privacy.sentinel import privacy_key
from shortstop.privacy.taint import Taint
from shortstop.privacy.vault import Vault
from shortstop.registry import ModelRecord, Registry
from shortstop.routing import Brain, State
from shortstop.server import create
from shortstop.server.gateway import Readiness
from shortstop.server.metrics import Metrics
from shortstop.serving.breaker import Breaker
from shortstop.serving.cascade import Cascade
from shortstop.serving.engines.backend import LocalBackend, Slots
from shortstop.serving.engines.embedded import EmbeddedServer, EngineOptions
from shortstop.serving.http import Egress, LocalClient, Timeouts
from shortstop.serving.upstreams import VENDORS, Patience, RemoteUpstream, egress_for
from shortstop.shadow import Shadows
from shortstop.size import prompt_tokens
from shortstop.traces import TraceStore
from shortstop.types import (
    Answer,
    Caller,
    Decision,
    DialectName,
    Json,
    Request,
    Signals,
    Target,
    Trace,
)

log = logging.getLogger("shortstop")

DEFAULT_LOCAL_CONTEXT = 4096
SAVE_SECONDS = 60


class SystemClock:
    """The real time."""

    @staticmethod
    def time() -> float:
        return time.time()

    @staticmethod
    def monotonic() -> float:
        return time.monotonic()


CLOCK = SystemClock()
ANYBODY = Caller()
NO_LIMITS: Mapping[str, str] = {}


# ---------------------------------------------------------------- local models


@dataclass(slots=True)
class Engine:
    """One local model in operation: a server (ours or somebody's), its client and its queue."""

    config: ModelConfig
    target: Target
    slots: Slots
    server: EmbeddedServer | None = None
    client: LocalClient | None = None

    def reach(self) -> LocalClient:
        """The client to use now. Raises EngineDown while the embedded server has no address."""
        if self.server is None:
            assert self.client is not None
            return self.client
        if self.server.url is None:
            raise EngineDown(
                f"The local model {self.target.name!r} is {self.server.state}.", retry_after=2
            )
        if self.client is None or self.client.base_url != f"{self.server.url}/v1":
            self.client = LocalClient(
                f"{self.server.url}/v1",
                api_key=self.server.api_key,
                timeouts=_engine_timeouts(self.config),
            )
        return self.client

    @property
    def ready(self) -> bool:
        return self.server is None or self.server.state == "ready"

    async def close(self) -> None:
        if self.client is not None:
            await self.client.close()
        if self.server is not None:
            await self.server.stop()


def _engine_timeouts(model: ModelConfig) -> Timeouts:
    return Timeouts(connect=5, first_byte=model.timeout, idle=model.timeout, total=model.timeout)


def build_engine(name: str, model: ModelConfig, models: Registry, env: Mapping[str, str]) -> Engine:
    """Raises ConfigError or ModelFileError, saying what to do."""
    if model.url is not None:
        return _remote_engine(name, model, model.url, env)
    record = _record(name, model, models)
    options = EngineOptions.choose(model, record.gguf())
    target = Target(
        name=name,
        model=record.name,
        local=True,
        provider="embedded",
        context=options.context_per_slot,
        abilities=frozenset(model.abilities),
        max_output=model.max_output,
    )
    server = EmbeddedServer(record.path, options, sha256=record.sha256)
    return Engine(model, target, Slots(options.slots, model.queue), server=server)


def _remote_engine(name: str, model: ModelConfig, url: str, env: Mapping[str, str]) -> Engine:
    key = env.get(model.api_key_env) if model.api_key_env else None
    target = Target(
        name=name,
        model=model.model or name,
        local=True,
        provider="url",
        context=model.context or DEFAULT_LOCAL_CONTEXT,
        abilities=frozenset(model.abilities),
        max_output=model.max_output,
    )
    client = LocalClient(url, api_key=key, timeouts=_engine_timeouts(model))
    return Engine(model, target, Slots(model.slots or 8, model.queue), client=client)


def _record(name: str, model: ModelConfig, models: Registry) -> ModelRecord:
    assert model.source is not None
    record = models.find(model.source)
    if record is None:
        raise ConfigError(
            f"The local model {name!r} needs {model.source!r}, which is not installed.",
            hint="Fetch it with `shortstop pull`, or `shortstop models` to see what there is.",
        )
    return record


# ---------------------------------------------------------------- the street


@dataclass(slots=True)
class Street:
    """Everything that one configuration built and that a reload replaces."""

    config: Config
    engines: dict[str, Engine]
    egresses: list[Egress]
    upstreams: dict[str, RemoteUpstream]
    targets: dict[str, Target]
    brain: Brain
    pipeline: Pipeline
    shadows: Shadows

    async def close_egress(self) -> None:
        await self.shadows.close()
        for egress in self.egresses:
            await egress.close()


def remote_target(
    name: str, model: UpstreamModel, upstream: UpstreamConfig, provider: str
) -> Target:
    """`provider` is the operator's name of the upstream: policies speak of it."""
    return Target(
        name=name,
        model=model.model or name,
        local=False,
        provider=provider,
        context=model.context,
        abilities=frozenset(model.abilities),
        max_output=model.max_output,
        price=model.price,
        region=upstream.region,
    )


def build_upstreams(
    config: Config, env: Mapping[str, str]
) -> tuple[list[Egress], dict[str, RemoteUpstream], dict[str, Target]]:
    egresses: list[Egress] = []
    upstreams: dict[str, RemoteUpstream] = {}
    targets: dict[str, Target] = {}
    draw = random.Random(config.routing.seed)
    for name, upstream in config.upstreams.items():
        egress = egress_for(upstream, env, name=name)
        egresses.append(egress)
        vendor = VENDORS[upstream.dialect]
        for model_name, model in upstream.models.items():
            targets[model_name] = remote_target(model_name, model, upstream, name)
            upstreams[model_name] = RemoteUpstream(
                model=model.model or model_name,
                vendor=vendor,
                dialect=dialects.get(vendor.dialect),
                egress=egress,
                patience=Patience(upstream.retries, upstream.backoff, upstream.max_retry_after),
                breaker=Breaker(upstream.breaker_failures, upstream.breaker_seconds, CLOCK),
                draw=draw,
            )
    return egresses, upstreams, targets


def rebuild(request: Request, body: Json) -> Request:
    """A request whose body privacy has rewritten, decoded anew in its own dialect."""
    return dialects.get(request.dialect).decode_request(body, request.id)


@dataclass(frozen=True, slots=True)
class Judges:
    """What decides and counts, without anything that answers: enough to replay a log."""

    guard: Sentinel
    router: Brain
    books: Books
    targets: Mapping[str, Target]


def judges(config: Config, env: Mapping[str, str]) -> Judges:
    """The same guard, router and books as the street's. A model need not be installed."""
    models = registry.open(registry.home(config.data_dir, env))
    targets = {name: _planned(name, model, models, env) for name, model in config.models.items()}
    for provider, upstream in config.upstreams.items():
        for name, model in upstream.models.items():
            targets[name] = remote_target(name, model, upstream, provider)
    guard = Sentinel(config.privacy, rebuild, baa=signed(config))
    return Judges(guard, Brain(targets, config, None), Books(targets, config), targets)


def signed(config: Config) -> frozenset[str]:
    """The upstreams that signed a business associate agreement."""
    return frozenset(name for name, upstream in config.upstreams.items() if upstream.baa)


def _planned(name: str, model: ModelConfig, models: Registry, env: Mapping[str, str]) -> Target:
    try:
        return build_engine(name, model, models, env).target
    except (ConfigError, ModelFileError):
        return Target(
            name=name,
            model=model.source or name,
            local=True,
            provider="embedded",
            context=model.context or DEFAULT_LOCAL_CONTEXT,
            abilities=frozenset(model.abilities),
            max_output=model.max_output,
        )


@dataclass(frozen=True, slots=True)
class Budgets:
    """The accounts' purses with the books' prices. Implements ports.Purser."""

    accounts: Accounts
    books: Books

    def reserve(self, request: Request, decision: Decision, caller: Caller) -> None:
        self.accounts.reserve(request, decision, caller, self.books.at_most)


# ---------------------------------------------------------------- the gateway


class Shortstop:
    """The running gateway behind the door: one store, one set of metrics, the current street."""

    def __init__(self, config: Config, path: Path | None, env: Mapping[str, str]) -> None:
        self._path = path
        self._env = env
        self._home = registry.home(config.data_dir, env)
        self._models = registry.open(self._home)
        self._metrics = Metrics()
        self._store = TraceStore(_trace_file(config, self._home), config.traces, CLOCK)
        self.accounts = Accounts(self._home / "accounts.db", CLOCK)
        self._taint = Taint()
        self._vault = Vault(CLOCK.time, config.privacy.vault_hours * 3600)
        self._privacy_key = privacy_key(config.privacy, env)
        self._audit: AuditLog | None = None
        if config.privacy.audit is not None:
            self._audit = AuditLog(Path(config.privacy.audit), self._privacy_key)
        self._reloading = asyncio.Lock()
        self.started = int(time.time())
        self._street = self._build(config, {}, self._saved_state())
        self._watch()

    # -- what the door asks

    @property
    def server(self) -> ServerConfig:
        return self._street.config.server

    @property
    def targets(self) -> Mapping[str, Target]:
        return self._street.targets

    @property
    def admin_token(self) -> str | None:
        return self._env.get(self.server.admin_token_env) or None

    def dialect(self, name: DialectName) -> Dialect:
        return dialects.get(name)

    @property
    def asks_for_keys(self) -> bool:
        auth = self.server.auth
        return auth == "required" or (auth == "auto" and bool(self.accounts.keys.all()))

    def identify(self, secret: str | None) -> Caller:
        return self.accounts.identify(secret) if self.asks_for_keys else ANYBODY

    def admit(self, request: Request, caller: Caller) -> Mapping[str, str]:
        if caller.key is None:
            return NO_LIMITS
        asked = prompt_tokens(request) + (request.sampling.max_tokens or 0)
        return self.accounts.admit(request.id, caller, asked)

    async def answer(self, request: Request, caller: Caller) -> Answer:
        return await self._street.pipeline.answer(request, caller)

    def feedback(self, said: Json) -> bool:
        try:
            return self._street.brain.feedback(msgspec.convert(said, routing.Feedback))
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"This is no feedback: {error}.") from error

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
        """Swap in a street built from the file as it is now; running requests finish in theirs."""
        async with self._reloading:
            config = load(self._path, self._env)
            old = self._street
            config = replace(config, server=_keep_address(config.server, old.config.server))
            kept = {n: e for n, e in old.engines.items() if config.models.get(n) == e.config}
            new = self._build(config, kept, old.brain.state)
            await _start([e for n, e in new.engines.items() if n not in kept])
            self._street = new
            self._retire(old, set(kept))
            names = ", ".join(new.targets)
            log.info("configuration reloaded: %s", names)
            return f"targets: {names}"

    # -- life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the engines, serve, and leave nothing behind."""
        await _start(list(self._street.engines.values()))
        saver = asyncio.create_task(self._save_now_and_then())
        try:
            yield
        finally:
            saver.cancel()
            await self._street.close_egress()
            await asyncio.gather(*(e.close() for e in self._street.engines.values()))
            self._save_state()
            self._store.close()
            self.accounts.close()
            if self._audit is not None:
                self._audit.close()

    def _build(self, config: Config, kept: dict[str, Engine], state: State | None) -> Street:
        engines = {
            name: kept.get(name) or build_engine(name, model, self._models, self._env)
            for name, model in config.models.items()
        }
        egresses, upstreams, remote = build_upstreams(config, self._env)
        targets = {name: engine.target for name, engine in engines.items()} | remote
        brain = Brain(targets, config, state, routing.packaged())
        slots = {name: engine.slots.slots for name, engine in engines.items()}
        books = Books(targets, config, slots=slots, meter=Rapl.find(CLOCK))
        for name in books.unpriced():
            log.warning("no price is known for %s: its costs are shown as unknown", name)
        guard = Sentinel(
            config.privacy,
            rebuild,
            key=self._privacy_key,
            baa=signed(config),
            taint=self._taint,
            vault=self._vault,
            audit=self._audit,
        )
        cascade = Cascade(
            targets=targets,
            backends={name: _backend(engine) for name, engine in engines.items()},
            upstreams=upstreams,
            guard=guard,
            accept=brain.accept,
            clock=CLOCK,
            commit_tokens=config.routing.commit_tokens,
        )
        observers = (self._metrics.observe, brain.observe)
        shadows = Shadows(
            targets=targets,
            ask=cascade.ask,
            compare=partial(_learn_pair, brain),
            books=books,
            recorder=self._store,
            clock=CLOCK,
            observers=observers,
        )
        pipeline = Pipeline(
            guard=guard,
            router=brain,
            cascade=cascade,
            books=books,
            recorder=self._store,
            clock=CLOCK,
            observers=(*observers, self.accounts.settle),
            shadows=shadows,
            purser=Budgets(self.accounts, books),
        )
        return Street(config, engines, egresses, upstreams, targets, brain, pipeline, shadows)

    def _retire(self, old: Street, kept: set[str]) -> None:
        """Close what the old street alone used, once its requests had time to finish."""

        async def later() -> None:
            await asyncio.sleep(old.config.server.drain_seconds)
            await old.close_egress()
            await asyncio.gather(*(e.close() for n, e in old.engines.items() if n not in kept))

        self._retiring = asyncio.create_task(later())

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


def _learn_pair(
    brain: Brain, trace: Trace, local: str, frontier: str, signals: Signals | None
) -> None:
    """Both sides answered: the frontier's answer is the reference."""
    assert trace.decision is not None
    agreement = routing.grade(brain.grader(trace.decision.task), local, frontier)
    brain.pair(routing.Pair(trace.id, agreement), signals)


def _backend(engine: Engine) -> Backend:
    return LocalBackend(
        model=engine.target.model,
        dialect=dialects.get("openai.chat"),
        client=engine.reach,
        slots=engine.slots,
        max_output=engine.target.max_output,
    )


async def _start(engines: list[Engine]) -> None:
    """All or none: when one cannot start, those that could are stopped again."""
    servers = [e.server for e in engines if e.server is not None]
    outcomes = await asyncio.gather(*(s.start() for s in servers), return_exceptions=True)
    failed = next((o for o in outcomes if isinstance(o, BaseException)), None)
    if failed is not None:
        await asyncio.gather(*(s.stop() for s in servers))
        raise failed


def _trace_file(config: Config, home: Path) -> Path:
    return Path(config.traces.path) if config.traces.path else home / "traces.db"


def _keep_address(new: ServerConfig, old: ServerConfig) -> ServerConfig:
    """A listening socket is not moved by a reload."""
    return replace(new, host=old.host, port=old.port)


# ---------------------------------------------------------------- running


def serve(config: Config, path: Path | None, env: Mapping[str, str]) -> None:
    """Run until SIGTERM or SIGINT; drains requests under way. Raises ShortstopError at start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        runner.run(_serve(config, path, env))


def _event_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


class _Server(uvicorn.Server):
    """Says where it listens once it does, with the port that was free."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            log.info("listening on http://%s:%d/v1", host, port)


async def _serve(config: Config, path: Path | None, env: Mapping[str, str]) -> None:
    gateway = Shortstop(config, path, env)
    _guard_the_door(gateway)
    settings = uvicorn.Config(
        create(gateway),
        host=config.server.host,
        port=config.server.port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(config.server.drain_seconds),
    )
    listening = _bind(config.server)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(_reload(gateway)))
    async with gateway.running():
        # Long-lived objects leave the collector's sight; fewer, larger collections after that.
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        await _Server(settings).serve([listening])


def _guard_the_door(gateway: Shortstop) -> None:
    """Raises ConfigError when strangers could use the gateway without a key."""
    host = gateway.server.host
    if gateway.asks_for_keys or gateway.server.auth == "off" or is_loopback(host):
        return
    raise ConfigError(
        f"Listening on {host} would let everybody who reaches it spend your money.",
        hint="Make a key first (`shortstop keys create NAME`), listen on 127.0.0.1, or say"
        ' `auth = "off"` under [server] if the network is trusted.',
    )


def _bind(server: ServerConfig) -> socket.socket:
    """Raises ConfigError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((server.host, server.port))
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"Cannot listen on {server.host}:{server.port}: {error.strerror}.",
            hint="Choose another with --port, or stop what listens there.",
        ) from error
    return listening


async def _reload(gateway: Shortstop) -> None:
    try:
        await gateway.reload()
    except ShortstopError as error:
        log.error("reload refused, nothing changed: %s", error)


def application(config: Config, env: Mapping[str, str]) -> tuple[Shortstop, ASGIApp]:
    """A gateway and its ASGI application, for tests and for hosting under another server."""
    gateway = Shortstop(config, None, env)
    return gateway, create(gateway)
