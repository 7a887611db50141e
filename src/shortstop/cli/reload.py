"""`shortstop reload`: have the running gateway read its configuration again."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated, Any

import msgspec
import typer

from shortstop.app.admin_token import shown_token
from shortstop.app.places import data_paths
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json, say
from shortstop.cli.reach import require_trusted, trust_in, url_of
from shortstop.cli.remote import ask
from shortstop.cli.sessions import SavedSessions
from shortstop.config import load
from shortstop.errors import ConfigError, TargetError
from shortstop.serving.http import LocalClient
from shortstop.serving.response import HttpReply

Url = Annotated[
    str | None, typer.Option(help="Where it listens; default: what the configuration says.")
]
RELOAD = "/admin/reload"


def reload_command(config: ConfigFile = None, url: Url = None, as_json: AsJson = False) -> None:
    """Read the configuration again, without a restart. A bad file changes nothing."""
    loaded = load(config, os.environ)
    paths = data_paths(loaded, os.environ)
    where = (url or url_of(loaded.server)).rstrip("/")
    session = None
    if not os.environ.get(loaded.server.admin_token_env, "").strip():
        session = SavedSessions(paths.sessions).of(where)
    if session is not None and session.role == "admin":
        answer = asyncio.run(ask(where, RELOAD, dict[str, Any], {}, session.token))
    else:
        token = shown_token(paths.admin_token, os.environ, loaded.server.admin_token_env)
        require_trusted(where, paths.admin_token)
        answer = _reloaded(where, token)
    if as_json:
        print_json(answer)
    else:
        say(f"Reloaded: {answer.get('reloaded', '')}.")


def _reloaded(where: str, token: str) -> dict[str, Any]:
    """As the holder of the admin token. Raises ConfigError."""
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
    return answer


async def _post(url: str, token: str) -> HttpReply:
    client = LocalClient(url, api_key=token, tls=trust_in(url))
    try:
        return await client.post(RELOAD, b"{}")
    finally:
        await client.close()


def _decoded(reply: HttpReply) -> dict[str, Any]:
    try:
        return msgspec.json.decode(reply.body, type=dict)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}
