"""Local models in operation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shortstop import dialects
from shortstop.app.clock import CLOCK
from shortstop.config import EngineConfig, ModelConfig, api_key
from shortstop.errors import ConfigError, EngineDown, ShortstopError
from shortstop.registry import ModelRecord, Registry, remedy
from shortstop.registry.vocabulary import read_vocabulary
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.embedded import (
    EmbeddedServer,
    EngineOptions,
    EngineState,
    Tuning,
)
from shortstop.serving.engines.markers import Markers
from shortstop.serving.engines.modules import ModuleBook
from shortstop.serving.engines.prefixes import Prefixes
from shortstop.serving.engines.slots import Queue, Slots
from shortstop.serving.engines.speed import SpeedBook
from shortstop.serving.health import TargetHealth
from shortstop.serving.http import LocalClient, Timeouts
from shortstop.types import Target
from shortstop.workers.context import WorkerContext

DEFAULT_LOCAL_CONTEXT = 4096
LOOK_SECONDS = 1.0
"""How often it is looked whether an engine was started again."""


class EngineServer(Protocol):
    """An embedded engine: a child of this process or of the supervisor."""

    @property
    def url(self) -> str | None:
        """None while there is nobody to talk to."""

    @property
    def api_key(self) -> str: ...

    @property
    def state(self) -> EngineState: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(slots=True)
class Engine:
    """One local model in operation: a server (ours or somebody's), its client and its queue."""

    config: ModelConfig
    target: Target
    slots: Queue
    server: EngineServer | None = None
    client: LocalClient | None = None
    file: Path | None = None
    markers: Markers = field(default_factory=Markers)
    warming: asyncio.Task[None] | None = None

    def keep_warm(self) -> None:
        """From now on, have what requests share read ahead after each start of the engine."""
        if self.server is not None and self.warming is None:
            self.warming = asyncio.create_task(keep_warm(self.server, backend_of(self)))

    async def read_vocabulary(self) -> None:
        """Learn the model's control tokens. Raises ModelFileError."""
        if self.file is not None:
            self.markers = Markers(await asyncio.to_thread(read_vocabulary, self.file))

    def reach(self) -> LocalClient:
        """The client to use now. Raises EngineDown while the embedded server has no address."""
        if self.server is None:
            assert self.client is not None
            return self.client
        url = self.server.url
        if url is None:
            raise EngineDown(
                f"The local model {self.target.name!r} is {self.server.state}.", retry_after=2
            )
        if self.client is None or self.client.base_url != f"{url}/v1":
            self.client = LocalClient(
                f"{url}/v1",
                api_key=self.server.api_key,
                timeouts=_engine_timeouts(self.config),
            )
        return self.client

    async def close(self) -> None:
        if self.warming is not None:
            self.warming.cancel()
            await asyncio.gather(self.warming, return_exceptions=True)
        if self.client is not None:
            await self.client.close()
        if self.server is not None:
            await self.server.stop()


def _engine_timeouts(model: ModelConfig) -> Timeouts:
    return Timeouts(connect=5, first_byte=model.timeout, idle=model.timeout, total=model.timeout)


def build_engine(
    name: str,
    model: ModelConfig,
    models: Registry,
    env: Mapping[str, str],
    crew: WorkerContext | None = None,
    engine: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
) -> Engine:
    """Raises ConfigError or ModelFileError, saying what to do."""
    if model.url is not None:
        return _remote_engine(name, model, model.url, env, crew)
    record = find_model(name, model, models)
    if crew is not None:
        server = crew.engine(name)
        target = local_target(name, model, record.name, server.context_per_slot)
        return Engine(
            model, target, engine_queue(crew, name, server.slots, model), server, file=record.path
        )
    child = embedded_server(record, model, engine, models)
    options = child.options
    target = local_target(name, model, record.name, options.context_per_slot)
    return Engine(
        model, target, engine_queue(None, name, options.slots, model), child, file=record.path
    )


def embedded_server(
    record: ModelRecord, model: ModelConfig, engine: EngineConfig, models: Registry
) -> EmbeddedServer:
    """The engine for an installed model. Raises ModelFileError."""
    said = model.threads or engine.threads
    return EmbeddedServer(
        record.path,
        EngineOptions.choose(model, record.gguf(), engine=engine),
        sha256=record.sha256,
        tuning=Tuning(
            speeds=speed_book(models) if engine.calibrate and not said else None,
            modules=module_book(models, engine.cpu),
        ),
    )


def module_book(models: Registry, cpu: str) -> ModuleBook:
    return ModuleBook(models.root / ".modules.json", cpu)


def speed_book(models: Registry) -> SpeedBook:
    """Beside the models: who shares them on one machine shares what was measured."""
    return SpeedBook(models.root / ".speeds.json")


def engine_queue(crew: WorkerContext | None, name: str, slots: int, model: ModelConfig) -> Queue:
    """Where requests to a model wait. Of our own engine nobody else's work takes a share while
    clients are there."""
    queue, wait_s, alone = model.queue, model.queue_seconds, model.url is None
    made: Queue
    if crew is not None:
        made = crew.slots(name, slots, queue, wait_s, alone=alone)
    else:
        made = Slots(slots, queue, wait_s, alone=alone)
    made.prefixes = Prefixes(model.warm)
    return made


def local_target(name: str, model: ModelConfig, served: str, context: int | None) -> Target:
    """The target `name`: the engine calls its model `served`, and gives it `context` tokens."""
    return Target(
        name=name,
        model=served,
        local=True,
        provider="url" if model.url else "embedded",
        context=context or DEFAULT_LOCAL_CONTEXT,
        abilities=model.able,
        max_output=model.max_output,
    )


def _remote_engine(
    name: str, model: ModelConfig, url: str, env: Mapping[str, str], crew: WorkerContext | None
) -> Engine:
    key = api_key(env, model.api_key_env) if model.api_key_env else None
    target = local_target(name, model, model.model or name, model.context)
    timeouts = _engine_timeouts(model)
    client = LocalClient(url, api_key=key, timeouts=timeouts, socket=model.socket)
    return Engine(model, target, engine_queue(crew, name, model.slots or 8, model), client=client)


def find_model(name: str, model: ModelConfig, models: Registry) -> ModelRecord:
    assert model.source is not None
    record = models.find(model.source)
    if record is None:
        raise ConfigError(
            f"The local model {name!r} needs {model.source!r}, which is not installed.",
            hint=remedy(model.source),
        )
    return record


def backend_of(engine: Engine) -> LocalBackend:
    return LocalBackend(
        model=engine.target.model,
        dialect=dialects.get("openai.chat"),
        client=engine.reach,
        slots=engine.slots,
        max_output=engine.target.max_output,
        tools_by_schema=engine.config.tools_by_schema,
        embedded=None if engine.server is None else lambda: engine.markers,
    )


async def keep_warm(server: EngineServer, backend: LocalBackend) -> None:
    """Read ahead whenever the engine has another address: it was started again."""
    warm: str | None = None
    while True:
        with suppress(ShortstopError):
            if server.url not in (None, warm):
                warm = server.url
                await backend.read_ahead()
        await asyncio.sleep(LOOK_SECONDS)


def health_of(names: Iterable[str]) -> dict[str, TargetHealth]:
    return {name: TargetHealth(name, CLOCK) for name in names}


async def start_all(engines: Iterable[Engine]) -> None:
    """All or none: see `start_servers`."""
    engines = list(engines)
    await asyncio.gather(*(engine.read_vocabulary() for engine in engines))
    await start_servers([e.server for e in engines if e.server is not None])
    for engine in engines:
        engine.keep_warm()


async def start_servers(servers: Sequence[EngineServer]) -> None:
    """All or none: when one cannot start, or the start is cancelled, all are stopped again."""
    try:
        outcomes = await asyncio.gather(*(s.start() for s in servers), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
    except BaseException:
        await asyncio.gather(*(s.stop() for s in servers))
        raise
