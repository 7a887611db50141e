"""`shortstop alerts`: try whether those who are to be told hear it."""

from __future__ import annotations

import asyncio
import os
import secrets
import time

import typer

from shortstop.alerts import Letter, Notice
from shortstop.app.alert_post import AlertPost, Delivery, require_alerts
from shortstop.cli.options import ConfigFile
from shortstop.cli.output import say
from shortstop.config import load
from shortstop.console.visible import visible
from shortstop.errors import ConfigError
from shortstop.types.alerts import AlertChannel

alerts_app = typer.Typer(help="Who is told when something needs people.", no_args_is_help=True)


@alerts_app.callback()
def alerts() -> None:
    """Alerts of the gateway."""


@alerts_app.command("test")
def send_command(config: ConfigFile = None) -> None:
    """Tell everybody who is configured that this is a test, and say what came back.

    Exit code 1: somebody did not take it.
    """
    loaded = load(config, os.environ)
    if not loaded.alerts.on:
        raise ConfigError(
            "Nobody is told anything.", hint="Set `webhook_url` or `slack_url_env` under [alerts]."
        )
    require_alerts(loaded, os.environ)
    deliveries = asyncio.run(_sent(AlertPost(loaded.alerts, os.environ)))
    for channel, delivery in deliveries.items():
        taken = "taken" if delivery.taken else "not taken"
        say(f"{channel}: {taken}, {visible(delivery.says)}")
    if not all(delivery.taken for delivery in deliveries.values()):
        raise typer.Exit(1)


async def _sent(post: AlertPost) -> dict[AlertChannel, Delivery]:
    now = time.time()
    notice = Notice("test", "test", "This is a test of Shortstop's alerts.", now, now)
    id = f"msg_{secrets.token_hex(12)}"
    return {channel: await post.send(Letter(id, channel, notice)) for channel in post.channels}
