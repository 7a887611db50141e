"""The adapters of the specialists that are placed, and the engines that hold them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from shortstop import registry
from shortstop.app.adapted_engine import MOST, AdaptedEngine, AdapterModel, engine_under
from shortstop.app.engines import Engine
from shortstop.config import Config, ModelConfig
from shortstop.errors import ShortstopError, StoreError
from shortstop.registry.placements import FOLDER
from shortstop.specialists import artefact
from shortstop.specialists.adapter.files import ADAPTER, WEIGHTS, base_of
from shortstop.types import Target

log = logging.getLogger("shortstop")

Wanted = dict[str, dict[str, Path]]
"""Local model -> specialist -> the file of its adapter."""


class Adapters:
    """Those below the data folder `home`. Lives as long as the process."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._engines: dict[str, tuple[ModelConfig, AdaptedEngine]] = {}
        self._leaving: list[AdaptedEngine] = []
        self._turn = asyncio.Lock()

    def model(self, name: str) -> AdapterModel:
        """Who writes for the specialist `name`."""
        return AdapterModel(name, lambda: [engine for _, engine in self._engines.values()])

    async def follow(
        self,
        config: Config,
        engines: Mapping[str, Engine],
        targets: Mapping[str, Target],
        *,
        alone: bool,
    ) -> None:
        """Have the adapters of these targets loaded, and no others, beside the plain `engines`.
        What cannot be loaded is logged in words; others answer in its place. `alone`: no other
        process serves the same clients."""
        names = [name for name, t in targets.items() if t.specialist == ADAPTER.name]
        if names and not alone:
            log.error("adapters answer in a gateway of one process alone: %s", ", ".join(names))
            names = []
        async with self._turn:
            wanted = await asyncio.to_thread(self._wanted, config, names) if names else {}
            await self._dismiss(config, wanted)
            for name, files in wanted.items():
                await self._serve(config, name, engines[name], files)

    async def _dismiss(self, config: Config, wanted: Wanted) -> None:
        """Of those that go nobody's answer is cut off."""
        for name, (model, engine) in list(self._engines.items()):
            if name in wanted and config.models.get(name) == model:
                continue
            del self._engines[name]
            self._leaving.append(engine)
            await engine.serve({})

    async def _serve(
        self, config: Config, name: str, plain: Engine, files: dict[str, Path]
    ) -> None:
        model = config.models[name]
        if name not in self._engines:
            models = registry.open(self._home)
            start = partial(engine_under, name, model, models, config.engine, plain.slots)
            self._engines[name] = (model, AdaptedEngine(start))
        try:
            await self._engines[name][1].serve(files)
        except (ShortstopError, OSError) as error:
            log.error("the local model %r is not there under adapters: %s", name, error)

    def _wanted(self, config: Config, names: Iterable[str]) -> Wanted:
        """Reads files, hashes and all: an engine takes what it is given."""
        bases = _bases(config, registry.open(self._home))
        wanted: Wanted = {}
        for name in names:
            folder = self._home / FOLDER / Path(name).name
            try:
                _, files = artefact.read(folder)
                base = bases.get(base_of(files))
            except StoreError as error:
                log.error("%s It answers nothing.", error)
                continue
            if base is None:
                log.error("%s is an adapter of a model that is not served here.", name)
            elif len(wanted.setdefault(base, {})) >= MOST:
                log.error("%s is one adapter more than the %d of one engine.", name, MOST)
            else:
                wanted[base][name] = folder / WEIGHTS
        return {base: files for base, files in wanted.items() if files}

    async def close(self) -> None:
        async with self._turn:
            for engine in (*self._leaving, *(engine for _, engine in self._engines.values())):
                await engine.close()
            self._leaving.clear()
            self._engines.clear()


def _bases(config: Config, models: registry.Registry) -> dict[str, str]:
    """The embedded models by the hash of their file."""
    found: dict[str, str] = {}
    for name, model in config.models.items():
        record = models.find(model.source) if model.source is not None else None
        if record is not None and record.sha256:
            found.setdefault(record.sha256, name)
    return found
