"""Where a process has its configuration from, so that it can read it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from shortstop.config.load import DEFAULT_FILE, load
from shortstop.config.sections import Config


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """A file (None: the places that `load` searches), the environment, and the command line.

    `server` holds settings of [server] that the command line gives; they win over the file, at
    the start and at every reload.
    """

    path: Path | None
    env: Mapping[str, str]
    server: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> Path | None:
        """The file that `load` reads, if there is one."""
        if self.path is None and not DEFAULT_FILE.exists():
            return None
        return self.path or DEFAULT_FILE

    def load(self) -> Config:
        """Raises ConfigError."""
        config = load(self.path, self.env)
        return replace(config, server=replace(config.server, **self.server))
