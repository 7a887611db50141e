"""Serving: the socket, the event loop, signals."""

from __future__ import annotations

import asyncio
import logging
import os

from shortstop.app.configuration import read_config
from shortstop.app.exposure import refuse_exposure
from shortstop.app.gateway import Shortstop
from shortstop.app.listener import bind, serve_on, url_of
from shortstop.app.logs import set_up_logging
from shortstop.app.places import data_paths
from shortstop.app.sole import sole_gateway
from shortstop.app.store_wait import await_database
from shortstop.app.supervisor import Supervisor
from shortstop.config import Config, ConfigSource
from shortstop.privacy.keys import audit_key
from shortstop.private_files import UMASK

log = logging.getLogger("shortstop")


def serve(source: ConfigSource) -> None:
    """Run until SIGTERM or SIGINT; drains requests under way. Raises ShortstopError at start."""
    os.umask(UMASK)
    config = read_config(source)
    set_up_logging(config.log)
    if config.privacy.audit is not None:
        audit_key(config.privacy, source.env)
    await_database(data_paths(config, source.env))
    with asyncio.Runner(loop_factory=event_loop) as runner:
        if config.server.workers > 1:
            runner.run(Supervisor(config, source).run())
        else:
            runner.run(_alone(config, source))


def event_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


async def _alone(config: Config, source: ConfigSource) -> None:
    paths = data_paths(config, source.env)
    with sole_gateway(paths, f"listening on {config.server.host}, port {config.server.port}"):
        gateway = Shortstop(config, source)
        try:
            refuse_exposure(config.server, gateway.accounts)
            listening = bind(config.server)
        except BaseException:
            gateway.abandon()
            raise
        url = url_of(listening, secure=config.server.tls.cert is not None)
        await serve_on(gateway, listening, lambda: log.info("listening on %s/v1", url))
