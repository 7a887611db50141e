"""One worker of several: `python -m shortstop.app.worker JSON`, started by the supervisor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from shortstop.app.gateway import Shortstop
from shortstop.app.listener import serve_on
from shortstop.app.run import event_loop, set_up_logging
from shortstop.config import load
from shortstop.errors import ShortstopError
from shortstop.serving.engines.parent import die_with_parent
from shortstop.workers.context import WorkerContext


def main() -> None:
    told = json.loads(sys.argv[1])
    die_with_parent(signal.SIGTERM)
    set_up_logging()
    try:
        with asyncio.Runner(loop_factory=event_loop) as runner:
            runner.run(_work(told))
    except ShortstopError as error:
        sys.stderr.write(f"shortstop: worker {told['index']}: {error}\n")
        raise SystemExit(2) from None


async def _work(told: dict[str, Any]) -> None:
    path = Path(told["config"]) if told["config"] else None
    crew = WorkerContext(Path(told["folder"]), told["index"])
    gateway = Shortstop(load(path, os.environ), path, os.environ, crew)
    await serve_on(gateway, socket.socket(fileno=told["socket"]), lambda: _say(told["ready"]))


def _say(ready: int) -> None:
    os.write(ready, b"1")
    os.close(ready)


if __name__ == "__main__":
    main()
