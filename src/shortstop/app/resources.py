"""What lives as long as the process: files, stores, metrics. A reload changes none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack

from shortstop import registry
from shortstop.accounts import Accounts
from shortstop.app.admin_token import AdminTokens
from shortstop.app.audits import Audits
from shortstop.app.batching import Batching
from shortstop.app.children import Children, Tagger
from shortstop.app.clock import CLOCK
from shortstop.app.offers import Offers
from shortstop.app.places import data_paths
from shortstop.app.privacy_memory import open_privacy_memory
from shortstop.app.replicas import calls_for, listen, open_replica
from shortstop.app.telemetry import Telemetry
from shortstop.config import Config, PrivacyConfig
from shortstop.stores import open_stores
from shortstop.traces import Lake, Redact, StoredResponses, TraceStore
from shortstop.traces.keyfile import content_seal
from shortstop.workers.context import WorkerContext


class Resources:
    """`workers` is this process's place among several, None for a gateway of one process.

    `redact` takes values out of a body (and a tenant's name) before a trace keeps it.
    """

    def __init__(
        self,
        config: Config,
        env: Mapping[str, str],
        workers: WorkerContext | None,
        redact: Redact,
    ) -> None:
        self.env = env
        self.workers = workers
        with ExitStack() as opened:
            self._open(config, redact, opened)
            self._opened = opened.pop_all()
        self.audits = Audits(
            env, self._opened, self.paths.changes, lambda: self.seal.digest(b"console changes", 32)
        )

    def _open(self, config: Config, redact: Redact, opened: ExitStack) -> None:
        """Open everything; what is open is closed again when the rest cannot be."""
        env, workers = self.env, self.workers
        if workers is not None:
            opened.callback(workers.close)
        self.paths = data_paths(config, env)
        self.admin_tokens = AdminTokens(self.paths.admin_token, env)
        self.models = registry.open(self.paths.home)
        self._children = Children(self.paths.home)
        self.specialists = self._children.specialists
        self.adapters = self._children.adapters
        self.seal = seal = content_seal(config.traces, env, self.paths.content_key)
        if workers is None:
            self.paths.tighten()
        stores, traces, shared = open_stores(self.paths), config.traces, workers is not None
        self.replica = open_replica(config, self.paths, stores, workers, seal)
        self.exchange = workers if self.replica is None else self.replica.exchange
        if self.replica is not None:
            opened.callback(self.replica.close)
            if workers is None:
                opened.callback(self.replica.exchange.close)
        memory = open_privacy_memory(config, env, stores, opened, shared=shared)
        self.privacy_key, self.vault, self.taint = memory.key, memory.vault, memory.taint
        self.shared_taint = memory.shared_taint
        self.calls = calls_for(self.shared_taint)
        accounts = stores.accounts()
        opened.callback(accounts.close)
        self.accounts = Accounts(accounts, CLOCK, seal, self.calls)
        opened.callback(self.accounts.close)
        self.accounts.lease()
        self.responses = StoredResponses(stores.responses(), CLOCK, seal, self.calls)
        opened.callback(self.responses.close)
        self.batching = Batching(config, stores, seal, opened)
        self.figures, self.reports = stores.figures(), stores.reports()
        self.runs = stores.runs()
        opened.callback(self.runs.close)
        rows = stores.rows(fsync=traces.fsync)
        self.lake = lake = Lake.of(traces.lake)
        self.traces = TraceStore(rows, self.paths.journal, traces, CLOCK, redact, seal, lake)
        opened.callback(self.traces.close)
        if self.replica is not None:
            self.traces.delete_only_if(self.replica.leadership.confirmed)
        self.offers = Offers(self.paths.offers)
        later = asyncio.get_running_loop().call_later
        self.telemetry = Telemetry(config, env, redact, later)
        self.metrics = self.telemetry.metrics
        opened.callback(self.metrics.flush)
        opened.callback(self.calls.close)
        listen(stores, self.accounts, self.replica, opened)

    def leads(self) -> bool:
        """Whether this process does what is done once for all that share the stores, by the store's
        word: it may be waited for."""
        if self.replica is not None:
            return self.replica.leadership.confirmed()
        return self.workers is None or self.workers.leader

    def tagger(self, config: PrivacyConfig) -> Tagger | None:
        """The reader of names: one child process, whatever is reloaded."""
        return self._children.tagger(config)

    async def warm(self) -> None:
        """What would otherwise be loaded for the first request that needs it."""
        await self._children.warm()

    async def stop_children(self) -> None:
        await self._children.close()

    def close(self) -> None:
        """In the reverse of the order in which it was opened, whatever cannot be closed."""
        self._opened.close()
