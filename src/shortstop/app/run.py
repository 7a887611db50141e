"""Serving: the socket, the event loop, signals."""

from __future__ import annotations

import asyncio
import logging
import os

from shortstop import registry
from shortstop.app.exposure import refuse_exposure
from shortstop.app.gateway import Shortstop
from shortstop.app.listener import bind, serve_on, url_of
from shortstop.app.logs import set_up_logging
from shortstop.app.sole import sole_gateway
from shortstop.app.supervisor import Supervisor
from shortstop.app.upstreams import read_config
from shortstop.config import Config, ConfigSource
from shortstop.privacy.keys import audit_key
from shortstop.private_files import UMASK
from shortstop.stores import Paths

log = logging.getLogger("shortstop")


def serve(source: ConfigSource) -> None:
    """Run until SIGTERM or SIGINT; drains requests under way. Raises ShortstopError at start."""
    os.umask(UMASK)
    set_up_logging()
    config = read_config(source)
    if config.privacy.audit is not None:
        audit_key(config.privacy, source.env)
    with asyncio.Runner(loop_factory=event_loop) as runner:
        if config.server.workers > 1:
            runner.run(Supervisor(config, source).run())
        else:
            runner.run(_alone(config, source))


def event_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


async def _alone(config: Config, source: ConfigSource) -> None:
    paths = Paths.of(registry.home(config.data_dir, source.env), config)
    with sole_gateway(paths, f"listening on {config.server.host}, port {config.server.port}"):
        gateway = Shortstop(config, source)
        try:
            refuse_exposure(config.server, gateway.accounts)
            listening = bind(config.server)
        except BaseException:
            gateway.abandon()
            raise
        url = url_of(listening)
        await serve_on(gateway, listening, lambda: log.info("listening on %s/v1", url))
