"""Serving: the socket, the event loop, signals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from shortstop.app.gateway import Shortstop
from shortstop.app.listener import bind, guard_the_door, serve_on, url_of
from shortstop.app.supervisor import Supervisor
from shortstop.config import (
    Config,
)
from shortstop.privacy.keys import audit_key

log = logging.getLogger("shortstop")


def serve(
    config: Config, path: Path | None, env: Mapping[str, str], workers: int | None = None
) -> None:
    """Run until SIGTERM or SIGINT; drains requests under way. Raises ShortstopError at start."""
    set_up_logging()
    if config.privacy.audit is not None:
        audit_key(config.privacy, env)
    count = workers or config.server.workers
    with asyncio.Runner(loop_factory=event_loop) as runner:
        if count > 1:
            runner.run(Supervisor(config, path, env, count).run())
        else:
            runner.run(_alone(config, path, env))


def set_up_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def event_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


async def _alone(config: Config, path: Path | None, env: Mapping[str, str]) -> None:
    gateway = Shortstop(config, path, env)
    guard_the_door(config.server, gateway.accounts)
    listening = bind(config.server)
    await serve_on(gateway, listening, lambda: log.info("listening on %s/v1", url_of(listening)))
