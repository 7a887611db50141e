"""A local model under adapters: an engine of its own, exchanged whole when adapters come and go.

llama.cpp reads adapters at its start alone. So others are served by another child: it starts beside
the one that answers, takes over once it is ready, and the old one ends when it has nothing left to
do. The model's plain engine is never touched: what it keeps of prompts is never an adapter's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from shortstop.app.engines import (
    Engine,
    backend_of,
    embedded_server,
    engine_queue,
    find_model,
    local_target,
)
from shortstop.config import EngineConfig, ModelConfig
from shortstop.dialects.openai.local import under_adapter
from shortstop.errors import Declined, ShortstopError
from shortstop.flywheel.trainer import Written
from shortstop.ports import Backend
from shortstop.registry import Registry
from shortstop.serving.engines.slots import Queue
from shortstop.specialists.adapter.asking import adapted, confidence
from shortstop.specialists.query import Query
from shortstop.types import Chunk, Message, Reply, Request, Text

MOST = 8
"""Adapters of one engine: each takes memory, and each batch holds requests for one of them."""
DRAIN_SECONDS = 60.0
"""For how long an engine that was replaced may finish what it has begun."""
Start = Callable[[tuple[str, ...]], Engine]
"""An engine with the adapters in these files. Raises ModelFileError."""


def engine_under(
    name: str,
    model: ModelConfig,
    models: Registry,
    engine: EngineConfig,
    slots: Queue | None,
    paths: tuple[str, ...],
) -> Engine:
    """The embedded model `name` with the adapters in these files, beside its plain engine, whose
    queue it shares if that is given: both compute on the same cores. Raises ConfigError or
    ModelFileError."""
    record = find_model(name, model, models)
    server = embedded_server(record, model, engine, models)
    server.options = replace(server.options, adapters=paths)
    target = local_target(name, model, record.name, server.options.context_per_slot)
    queue = slots or engine_queue(None, name, server.options.slots, model)
    return Engine(model, target, queue, server, file=record.path)


async def started(engine: Engine) -> Engine:
    """Raises ModelFileError or EngineDown, and then nothing runs."""
    assert engine.server is not None
    await engine.read_vocabulary()
    await engine.server.start()
    return engine


def backend_under(engine: Engine, place: int) -> Backend:
    """The engine under one of its adapters."""
    backend = backend_of(engine)
    backend.fields = under_adapter(place)
    return backend


async def written_by(backend: Backend, query: Query, most_tokens: int) -> Written | None:
    """What a model under an adapter writes to who asks this; None where it does not answer."""
    try:
        reply = await backend.answer(adapted(_request(query), query, most_tokens))
    except ShortstopError:
        return None
    choice = reply.choices[0]
    return Written(choice.text.strip(), confidence(choice))


def _request(query: Query) -> Request:
    """Whoever asked this; what shape was wanted is not recorded among examples."""
    asked = Message("user", (Text(query.text),))
    return Request("bench", "openai.chat", {}, "local", (asked,))


@dataclass(slots=True)
class _Lineup:
    """An engine with the adapters `names`, and how many requests it is answering."""

    engine: Engine
    names: tuple[str, ...]
    under_way: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    @contextmanager
    def held(self) -> Iterator[None]:
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            if not self.under_way:
                self.idle.set()
                self.idle = asyncio.Event()

    async def drain(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while self.under_way:
                    await self.idle.wait()
        except TimeoutError:
            pass
        await self.engine.close()


class AdaptedEngine:
    """One local model. `start` makes its engines."""

    def __init__(self, start: Start, drain_s: float = DRAIN_SECONDS) -> None:
        self._start = start
        self._drain_s = drain_s
        self._lineup: _Lineup | None = None
        self._turn = asyncio.Lock()
        self._draining: dict[asyncio.Task[None], _Lineup] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The adapters that it can answer under now."""
        return () if self._lineup is None else self._lineup.names

    async def serve(self, files: Mapping[str, Path]) -> None:
        """From now on under these adapters, by name. Who answers now does so until the next one is
        ready, and finishes what it has begun. Raises ModelFileError or EngineDown, and then nothing
        has changed."""
        async with self._turn:
            if set(files) == set(self.names):
                return
            new = None
            if files:
                engine = self._start(tuple(str(path) for path in files.values()))
                new = _Lineup(await started(engine), tuple(files))
            old, self._lineup = self._lineup, new
            if old is not None:
                task = asyncio.create_task(old.drain(self._drain_s))
                self._draining[task] = old
                task.add_done_callback(self._drained)

    @contextmanager
    def under(self, name: str) -> Iterator[Backend | None]:
        """The model under an adapter, for one answer; None where it is not there."""
        lineup = self._lineup
        if lineup is None or name not in lineup.names:
            yield None
            return
        with lineup.held():
            yield backend_under(lineup.engine, lineup.names.index(name))

    def _drained(self, task: asyncio.Task[None]) -> None:
        self._draining.pop(task, None)

    async def close(self) -> None:
        """End at once, whoever is still answering."""
        async with self._turn:
            last, self._lineup = self._lineup, None
            draining = dict(self._draining)
            for task in draining:
                task.cancel()
            await asyncio.gather(*draining, return_exceptions=True)
            for lineup in (*draining.values(), *([last] if last is not None else [])):
                await lineup.engine.close()


class AdapterModel:
    """Implements Backend: whichever local model holds the adapter `name`, under it. `engines` is
    called for every request."""

    def __init__(self, name: str, engines: Callable[[], list[AdaptedEngine]]) -> None:
        self._name = name
        self._engines = engines

    async def answer(self, request: Request) -> Reply:
        """Raises Declined where no engine holds the adapter (yet), and what the engine raises."""
        with self._found() as backend:
            return await backend.answer(request)

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """The same in pieces."""
        with self._found() as backend:
            async with aclosing(backend.stream(request)) as chunks:
                async for chunk in chunks:
                    yield chunk

    @contextmanager
    def _found(self) -> Iterator[Backend]:
        for engine in self._engines():
            with engine.under(self._name) as backend:
                if backend is not None:
                    yield backend
                    return
        raise Declined("No local model has this specialist's adapter yet.")
