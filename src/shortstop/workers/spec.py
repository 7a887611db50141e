"""How a worker is started, and by which configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from shortstop.config import Config
from shortstop.errors import ConfigError
from shortstop.private_files import replace_file

ACCEPTED = "config.json"
"""The file, in the folder that all share, of the configuration in force."""


def accept(folder: Path, config: Config) -> None:
    """What workers go by from now on. It holds no secret: `Config` names where they are."""
    replace_file(folder / ACCEPTED, msgspec.json.encode(config))


def accepted(folder: Path) -> Config:
    """The configuration that the supervisor has accepted last, whatever the file says by now.
    Raises ConfigError."""
    try:
        return msgspec.json.decode((folder / ACCEPTED).read_bytes(), type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError("The supervisor's configuration cannot be read.") from error


class WorkerSpec(Struct, frozen=True):
    """What the supervisor tells a worker.

    `config` and `server` are the file and the command line's settings of [server]; `folder` is
    what all workers share; `socket` and `ready` are inherited file descriptors.
    """

    config: str | None
    server: dict[str, Any]
    folder: str
    index: int
    socket: int
    ready: int
