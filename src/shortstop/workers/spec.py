"""How a worker is started."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


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
