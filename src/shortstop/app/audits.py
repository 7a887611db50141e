"""The audit logs that are open: one for each file, as long as the process lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from shortstop.config import PrivacyConfig
from shortstop.privacy.audit import AuditLog, files, head_of
from shortstop.privacy.keys import audit_key
from shortstop.private_files import tighten


class Audits:
    """Earlier ones stay open, for requests that began under an earlier configuration.

    `changes` is where the console's changes are written down while no audit log is configured, and
    `key` makes what that file is sealed with.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        opened: ExitStack,
        changes: Path,
        key: Callable[[], bytes],
    ) -> None:
        self._env, self._opened = env, opened
        self._changes, self._key = changes, key
        self._logs: dict[Path, AuditLog] = {}
        self.current: AuditLog | None = None
        """Of the configuration in force; None where it names no file."""

    def use(self, config: PrivacyConfig) -> AuditLog | None:
        """The one that is open, where a reload names the same file. Raises ShortstopError."""
        self.current = (
            self._at(Path(config.audit), lambda: audit_key(config, self._env))
            if config.audit is not None
            else None
        )
        return self.current

    def changes(self) -> AuditLog:
        """The operator's own log or, where there is none, one in the data folder. Raises
        StoreError."""
        return self.current or self._at(self._changes, self._key)

    def _at(self, path: Path, key: Callable[[], bytes]) -> AuditLog:
        if path not in self._logs:
            tighten([head_of(path), *files(path)])
            self._logs[path] = log = AuditLog(path, key())
            self._opened.callback(log.close)
        return self._logs[path]
