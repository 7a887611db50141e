"""`shortstop reload`: have the running gateway read its configuration again."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import msgspec
import typer

from shortstop import registry
from shortstop.app.admin_token import shown_token
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json, say
from shortstop.config import ServerConfig, load
from shortstop.errors import ConfigError, TargetError
from shortstop.serving.http import HttpReply, LocalClient
from shortstop.stores import Paths

Url = Annotated[
    str | None, typer.Option(help="Where it listens; default: what the configuration says.")
]
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what is reached
RELOAD = "/admin/reload"


def reload_command(config: ConfigFile = None, url: Url = None, as_json: AsJson = False) -> None:
    """Read the configuration again, without a restart. A bad file changes nothing."""
    loaded = load(config, os.environ)
    paths = Paths.of(registry.home(loaded.data_dir, os.environ), loaded)
    token = shown_token(paths.admin_token, os.environ, loaded.server.admin_token_env)
    where = url or url_of(loaded.server)
    try:
        reply = asyncio.run(_post(where, token))
    except TargetError as error:
        raise ConfigError(
            f"No gateway answers at {where}.",
            hint="Start it with `shortstop serve`, or say --url where it listens.",
        ) from error
    answer = _decoded(reply)
    if reply.status != 200:
        said = answer.get("error", {}).get("message", f"status {reply.status}")
        raise ConfigError(f"The gateway at {where} refuses: {said}")
    if as_json:
        print_json(answer)
    else:
        say(f"Reloaded: {answer.get('reloaded', '')}.")


def url_of(server: ServerConfig) -> str:
    """How a program on this machine reaches the gateway."""
    host = ANYWHERE.get(server.host, server.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{server.port}"


async def _post(url: str, token: str) -> HttpReply:
    client = LocalClient(url, api_key=token)
    try:
        return await client.post(RELOAD, b"{}")
    finally:
        await client.close()


def _decoded(reply: HttpReply) -> dict[str, dict[str, str]]:
    try:
        return msgspec.json.decode(reply.body, type=dict)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}
