"""What lives as long as the process: files, stores, metrics. A reload changes none of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from shortstop import registry
from shortstop.accounts import Accounts
from shortstop.app.admin_token import AdminTokens
from shortstop.app.clock import CLOCK
from shortstop.config import Config, PrivacyConfig
from shortstop.privacy.audit import AuditLog, files, head_of
from shortstop.privacy.keys import audit_key, privacy_key
from shortstop.privacy.names.tagger import Tagger, TaggerDown
from shortstop.privacy.replace.vault import Vault
from shortstop.privacy.taint import Taint
from shortstop.private_files import tighten
from shortstop.stores import Paths, open_stores
from shortstop.telemetry.metrics import Metrics
from shortstop.traces import StoredResponses, TraceStore
from shortstop.traces.content import Redact
from shortstop.traces.keyfile import content_seal
from shortstop.workers.context import WorkerContext

log = logging.getLogger("shortstop")


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
        self.audit: AuditLog | None = None
        self._audits: dict[Path, AuditLog] = {}
        self._tagger: Tagger | None = None
        with ExitStack() as opened:
            self._open(config, redact, opened)
            self._opened = opened.pop_all()

    def _open(self, config: Config, redact: Redact, opened: ExitStack) -> None:
        """Open everything; what is open is closed again when the rest cannot be."""
        env, workers = self.env, self.workers
        if workers is not None:
            opened.callback(workers.close)
        self.paths = Paths.of(registry.home(config.data_dir, env), config)
        self.admin_tokens = AdminTokens(self.paths.admin_token, env)
        self.models = registry.open(self.paths.home)
        self.seal = seal = content_seal(config.traces, env, self.paths.content_key)
        if workers is None:
            tighten(self.paths.everything())
        stores, traces, shared = open_stores(self.paths), config.traces, workers is not None
        keep_s, unnamed_ttl_s = traces.retention_days * 86_400, config.privacy.vault_hours * 3600
        self.privacy_key = privacy_key(config.privacy, env)
        # Surrogates last under the operator's key and are shared by workers; else memory will do.
        lasting = shared or bool(env.get(config.privacy.key_env))
        surrogates = stores.surrogates() if lasting else None
        self.vault = Vault(CLOCK.time, unnamed_ttl_s, store=surrogates, key=self.privacy_key)
        opened.callback(self.vault.close)
        taints = stores.taints(CLOCK, keep_s, unnamed_ttl_s)
        opened.callback(taints.close)
        self.taint = Taint(store=taints, shared=shared, unnamed_ttl_s=unnamed_ttl_s)
        accounts = stores.accounts()
        opened.callback(accounts.close)
        self.accounts = Accounts(accounts, CLOCK, seal)
        self.responses = StoredResponses(stores.responses(), CLOCK, seal)
        opened.callback(self.responses.close)
        rows = stores.rows(fsync=traces.fsync)
        self.traces = TraceStore(rows, self.paths.journal, traces, CLOCK, redact, seal)
        opened.callback(self.traces.close)
        self.metrics = Metrics(asyncio.get_running_loop().call_later)
        opened.callback(self.metrics.flush)

    def audit_log(self, config: PrivacyConfig) -> AuditLog | None:
        """The one that is open, where a reload names the same file. Raises ShortstopError.

        Earlier ones stay open, for requests that began under an earlier configuration.
        """
        if config.audit is None:
            self.audit = None
            return None
        path = Path(config.audit)
        if path not in self._audits:
            tighten([head_of(path), *files(path)])
            self._audits[path] = log = AuditLog(path, audit_key(config, self.env))
            self._opened.callback(log.close)
        self.audit = self._audits[path]
        return self.audit

    def tagger(self, config: PrivacyConfig) -> Tagger | None:
        """The reader of names: one child process, whatever is reloaded."""
        if config.ner == "off":
            return None
        if self._tagger is None:
            self._tagger = Tagger(config.ner_timeout)
        return self._tagger

    async def warm(self) -> None:
        """Load the tagger's model before the first escalation, which would otherwise stay local."""
        if self._tagger is not None:
            try:
                await self._tagger.start()
            except (TaggerDown, TimeoutError) as error:
                log.error(
                    "names cannot be read, so requests that may hold some stay local: %s", error
                )

    async def stop_tagger(self) -> None:
        if self._tagger is not None:
            await self._tagger.close()

    def close(self) -> None:
        """In the reverse of the order in which it was opened, whatever cannot be closed."""
        self._opened.close()
