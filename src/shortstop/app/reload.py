"""A new configuration in place of the old one, while requests are being answered."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

from shortstop.app.build import build, staffed
from shortstop.app.certificate import certificate_of
from shortstop.app.configuration import read_config
from shortstop.app.exposure import refuse_exposure
from shortstop.app.naming import Opening
from shortstop.app.opening import opened
from shortstop.app.otel import collector_of
from shortstop.app.resources import Resources
from shortstop.app.runtime import Runtime
from shortstop.config import Config, ConfigSource, TlsConfig, changed, require_no_restart
from shortstop.routing import State
from shortstop.workers.spec import accepted

log = logging.getLogger("shortstop")


class Reloader:
    """Swaps runtimes. Settings that last as long as the process are refused, not half applied.

    `turn` is held while the runtime in force is replaced, so that the next reload replaces what
    this one has built. `certificate` is what clients are shown, None without TLS.
    """

    def __init__(self, source: ConfigSource, resources: Resources, tls: TlsConfig) -> None:
        self.turn = asyncio.Lock()
        self._source = source
        self._resources = resources
        self.certificate = certificate_of(tls)
        self._retiring: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def read(self, old: Config) -> Config:
        """The configuration as it is now. Raises ConfigError when it cannot replace `old`."""
        workers = self._resources.workers
        config = accepted(workers.folder) if workers else read_config(self._source)
        return self._fit(old, config)

    def _fit(self, old: Config, config: Config) -> Config:
        require_no_restart(old, config)
        refuse_exposure(config.server, self._resources.accounts)
        if self._resources.telemetry.otel is not None:
            collector_of(config, self._resources.env)
        return config

    def ask_supervisor(self, old: Config) -> str:
        """Have all workers reload. Raises ConfigError where this one could not."""
        self._fit(old, read_config(self._source))
        if self.certificate is not None:
            self.certificate.read()
        os.kill(os.getppid(), signal.SIGHUP)
        return "all workers are reading the file again"

    async def next_runtime(self, old: Runtime) -> Runtime:
        """Build and start what replaces `old`, whose requests finish where they are.

        To be called in `turn`. Raises ShortstopError, and then nothing has changed.
        """
        config = self.read(old.config)
        fresh = None if self.certificate is None else self.certificate.read()
        kept = {n: e for n, e in old.engines.items() if config.models.get(n) == e.config}
        for key in changed(old.config, config, "state"):
            log.warning("%s is part of what the router has learned and does not change", key)
        standings = old.remotes.standings
        new = build(config, self._resources, kept, old.learned.state, standings)
        await new.start(kept)
        await self._resources.warm()
        if self.certificate is not None and fresh is not None:
            self.certificate.take(fresh)
        self._retire(old, lambda: old.close(set(kept)))
        return new

    async def restaffed(self, old: Runtime, state: State | None = None) -> Runtime:
        """The same configuration with the specialists that are placed now. Nothing else changes:
        engines, connections and what was learned go on, unless another `state` is given. To be
        called in `turn`."""
        roster = await asyncio.to_thread(self._resources.specialists.roster)
        new = staffed(old.foundation, self._resources, roster, state or old.learned.state)
        self._retire(old, old.dissolve)
        return new

    def opened(self, old: Runtime, opening: Opening) -> Runtime:
        """The same with one more model. To be called in `turn`."""
        foundation = opened(old.foundation, opening)
        roster = self._resources.specialists.roster()
        new = staffed(foundation, self._resources, roster, old.learned.state)
        self._retire(old, old.dissolve)
        return new

    async def close(self) -> None:
        """Close at once what still drains."""
        self._closing.set()
        await asyncio.gather(*self._retiring)

    def _retire(self, old: Runtime, close: Callable[[], Awaitable[None]]) -> None:
        """Close what the old runtime alone used, once its requests had time to finish."""

        async def later() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(old.config.server.drain_seconds):
                    await self._closing.wait()
            await close()

        task = asyncio.create_task(later())
        self._retiring.add(task)
        task.add_done_callback(self._retired)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._retiring.discard(task)
        # A runtime refers to itself in many places, and full collections are rare: one for all.
        if not self._retiring:
            asyncio.get_running_loop().call_soon(gc.collect)
