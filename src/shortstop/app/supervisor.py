"""Several workers on one machine: one process that keeps them, the engines and the socket.

It answers no request itself. A worker that dies is replaced, its slots are freed, and what was
waiting in the socket is answered by the others; an engine belongs to no worker, so none of them
takes it down.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
from collections.abc import Coroutine, Iterator

import msgspec

from shortstop import registry
from shortstop.app.configuration import read_config
from shortstop.app.decisions import require_buildable
from shortstop.app.engines import embedded_server, find_model, start_servers
from shortstop.app.exposure import refuse_strangers
from shortstop.app.listener import bind, url_of
from shortstop.app.places import data_paths
from shortstop.app.sole import sole_gateway
from shortstop.config import Config, ConfigSource, ModelConfig, require_no_restart
from shortstop.errors import ConfigError, ShortstopError
from shortstop.privacy.keys import audit_key
from shortstop.private_files import make_folder
from shortstop.serving.engines.embedded import EmbeddedServer
from shortstop.traces.keyfile import content_seal
from shortstop.workers import slots
from shortstop.workers.addresses import publish
from shortstop.workers.spec import WorkerSpec, accept

log = logging.getLogger("shortstop")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
HEALTHY_SECONDS = 30.0
KILL_AFTER = 5.0
"""Seconds beyond the drain time before a worker that does not leave is killed."""


class Supervisor:
    """`config` is what `source` has loaded."""

    def __init__(self, config: Config, source: ConfigSource) -> None:
        self._config = config
        self._source = source
        self._count = config.server.workers
        env = source.env
        self._paths = data_paths(config, env)
        self._folder = self._paths.run
        content_seal(config.traces, env, self._paths.content_key)  # made once, before all workers
        # One conversation may meet several workers: its surrogates must be the same in all.
        privacy_key = env.get(config.privacy.key_env) or os.urandom(32).hex()
        self._shared = {
            "PROMETHEUS_MULTIPROC_DIR": str(self._folder / "metrics"),
            config.privacy.key_env: privacy_key,
        }
        self._models: dict[str, ModelConfig] = {}
        self._servers: dict[str, EmbeddedServer] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._workers: dict[int, asyncio.subprocess.Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()
        self._reloading = asyncio.Lock()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises ShortstopError when something cannot start."""
        with self._alone():
            refuse_strangers(self._config.server, self._paths)
            listening = bind(self._config.server)
            self._heed_signals()
            try:
                await self._start_engines(self._config)
                await asyncio.gather(*(self._spawn(i, listening.fileno()) for i in self._places()))
                secure = self._config.server.tls.cert is not None
                url = url_of(listening, secure=secure)
                log.info("listening on %s/v1 (%d workers)", url, self._count)
                keepers = [self._task(self._keep(i, listening.fileno())) for i in self._places()]
                await self._leaving.wait()
                await self._dismiss(keepers)
            finally:
                listening.close()
                await self._stop_all()

    def _places(self) -> range:
        return range(self._count)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """A fresh folder for what the workers share, for one supervisor at a time."""
        about = f"listening on {self._config.server.host}, port {self._config.server.port}"
        self._paths.tighten()
        with sole_gateway(self._paths, f"{about}, with {self._count} workers"):
            shutil.rmtree(self._folder, ignore_errors=True)
            make_folder(self._folder / "metrics")
            accept(self._folder, self._config)
            yield

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._leaving.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._task(self._reload()))

    def _task(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ------------------------------------------------------------ engines

    async def _start_engines(self, config: Config) -> None:
        """Start those that are new; all or none."""
        models = registry.open(self._paths.home)
        wanted = {n: m for n, m in config.models.items() if m.url is None}
        new: dict[str, EmbeddedServer] = {}
        for name, model in wanted.items():
            if self._models.get(name) == model:
                continue
            record = find_model(name, model, models)
            new[name] = embedded_server(record, model, config.engine, models)
        await start_servers([*new.values()])
        for name in self._models:
            if name in new or name not in wanted:
                self._task(self._retire(self._servers[name]))
        for name, server in new.items():
            self._servers[name] = server
            self._watch(name, server)
        self._models = wanted
        publish(self._folder, self._servers)

    def _watch(self, name: str, server: EmbeddedServer) -> None:
        if name in self._watches:
            self._watches[name].cancel()
        self._watches[name] = asyncio.create_task(self._publish_changes(server))

    async def _publish_changes(self, server: EmbeddedServer) -> None:
        while True:
            await server.changed()
            publish(self._folder, self._servers)

    async def _retire(self, server: EmbeddedServer) -> None:
        """Stop an engine that requests under way may still use."""
        await asyncio.sleep(self._config.server.drain_seconds)
        await server.stop()

    # ------------------------------------------------------------ workers

    async def _spawn(self, index: int, socket: int) -> None:
        """A worker that answers. Raises ConfigError when it does not get that far."""
        heard, say = os.pipe()
        path = self._source.path
        spec = WorkerSpec(
            config=str(path) if path else None,
            server=dict(self._source.server),
            folder=str(self._folder),
            index=index,
            socket=socket,
            ready=say,
        )
        try:
            self._workers[index] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "shortstop.app.worker",
                msgspec.json.encode(spec).decode(),
                pass_fds=(socket, say),
                env={**self._source.env, **self._shared},
            )
        finally:
            os.close(say)
        try:
            answer = await asyncio.to_thread(os.read, heard, 1)
        finally:
            os.close(heard)
        if not answer:
            raise ConfigError(
                f"Worker {index} could not start.", hint="Its own words are above this line."
            )

    async def _keep(self, index: int, socket: int) -> None:
        """Replace the worker whenever it dies."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            began = loop.time()
            code = await self._workers[index].wait()
            slots.wipe(self._folder, index)
            healthy = loop.time() - began > HEALTHY_SECONDS
            pause = FIRST_PAUSE if healthy else min(LONGEST_PAUSE, 2 * pause)
            log.error("worker %d died (%s); the next starts in %.1f s", index, code, pause)
            await asyncio.sleep(pause)
            try:
                await self._spawn(index, socket)
            except (ShortstopError, OSError) as error:
                log.error("%s", error)

    async def _reload(self) -> None:
        """New engines first, then every worker reads the file; a bad file changes nothing."""
        async with self._reloading:
            await self._reload_once()

    async def _reload_once(self) -> None:
        try:
            config = read_config(self._source)
            require_no_restart(self._config, config)
            refuse_strangers(config.server, self._paths)
            if config.privacy.audit is not None:
                audit_key(config.privacy, self._source.env)
            require_buildable(config, self._source.env)
            await self._start_engines(config)
        except ShortstopError as error:
            log.error("reload refused, nothing changed: %s", error)
            return
        self._config = config
        accept(self._folder, config)
        self._tell_all(signal.SIGHUP)

    def _tell_all(self, what: signal.Signals) -> None:
        for worker in self._workers.values():
            if worker.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    worker.send_signal(what)

    async def _dismiss(self, keepers: list[asyncio.Task[None]]) -> None:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        self._tell_all(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            server = self._config.server
            ends = server.notice_seconds + server.drain_seconds + KILL_AFTER
            async with asyncio.timeout(ends):
                await asyncio.gather(*(w.wait() for w in self._workers.values()))

    async def _stop_all(self) -> None:
        self._tell_all(signal.SIGKILL)
        await asyncio.gather(*(w.wait() for w in self._workers.values()))
        for watch in self._watches.values():
            watch.cancel()
        await asyncio.gather(*(s.stop() for s in self._servers.values()))
