"""One worker of several: `python -m shortstop.app.worker JSON`, started by the supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import msgspec

from shortstop.app.exposure import refuse_exposure
from shortstop.app.gateway import Shortstop
from shortstop.app.listener import serve_on
from shortstop.app.logs import set_up_logging
from shortstop.app.places import data_paths
from shortstop.app.run import event_loop
from shortstop.config import ConfigSource
from shortstop.console.visible import visible
from shortstop.errors import ShortstopError
from shortstop.private_files import UMASK
from shortstop.serving.engines.parent import die_with_parent
from shortstop.traces.keyfile import content_seal
from shortstop.workers.context import WorkerContext
from shortstop.workers.spec import WorkerSpec, accepted


def main() -> None:
    spec = msgspec.json.decode(sys.argv[1], type=WorkerSpec)
    die_with_parent(signal.SIGTERM)
    os.umask(UMASK)
    try:
        with asyncio.Runner(loop_factory=event_loop) as runner:
            runner.run(_work(spec))
    except ShortstopError as error:
        sys.stderr.write(f"shortstop: worker {spec.index}: {visible(str(error))}\n")
        raise SystemExit(2) from None
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        sys.stderr.write(f"shortstop: worker {spec.index}: cannot use{place}: {error.strerror}\n")
        raise SystemExit(2) from None


async def _work(spec: WorkerSpec) -> None:
    path = Path(spec.config) if spec.config else None
    source = ConfigSource(path, os.environ, spec.server)
    folder = Path(spec.folder)
    config = accepted(folder)
    set_up_logging(config.log)
    paths = data_paths(config, os.environ)
    seal = content_seal(config.traces, os.environ, paths.content_key)
    context = WorkerContext(folder, spec.index, seal, paths.news if paths.database else None)
    gateway = Shortstop(config, source, context)
    # Keys may have gone since the supervisor looked.
    refuse_exposure(gateway.server, gateway.accounts)
    await serve_on(gateway, socket.socket(fileno=spec.socket), lambda: _report(spec.ready))


def _report(ready: int) -> None:
    os.write(ready, b"1")
    os.close(ready)


if __name__ == "__main__":
    main()
