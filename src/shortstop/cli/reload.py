"""`shortstop reload`: have the running gateway read its configuration again."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from shortstop.app.admin_token import shown_token
from shortstop.app.places import data_paths
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json, say
from shortstop.config import ServerConfig, is_loopback, load
from shortstop.errors import ConfigError, TargetError
from shortstop.serving.http import HttpReply, LocalClient

Url = Annotated[
    str | None, typer.Option(help="Where it listens; default: what the configuration says.")
]
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what is reached
RELOAD = "/admin/reload"


def reload_command(config: ConfigFile = None, url: Url = None, as_json: AsJson = False) -> None:
    """Read the configuration again, without a restart. A bad file changes nothing."""
    loaded = load(config, os.environ)
    paths = data_paths(loaded, os.environ)
    token = shown_token(paths.admin_token, os.environ, loaded.server.admin_token_env)
    where = url or url_of(loaded.server)
    require_trusted(where, paths.admin_token)
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
    scheme = "http" if server.tls.cert is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}"


def require_trusted(url: str, token: Path) -> None:
    """Raises ConfigError where another user of this machine listens at `url`: the gateway is down,
    and who took its port would be shown the token. Where the system does not tell (it does on
    Linux), nothing is checked."""
    owner = token.stat().st_uid if token.exists() else 0
    port = urlsplit(url).port or (443 if url.startswith("https://") else 80)
    strangers = listeners(port) - {os.geteuid(), owner, 0}
    if strangers:
        raise ConfigError(
            f"What listens at {url} belongs to another user (uid {min(strangers)}).",
            hint="It is not shown the admin token. Is the gateway running?",
        )


def listeners(port: int) -> set[int]:
    """The users whose programs listen at a TCP port of this machine, on any address."""
    uids = set()
    for table in map(Path, ("/proc/net/tcp", "/proc/net/tcp6")):
        lines = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
        for fields in map(str.split, lines):
            listens = fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
            if listens:
                uids.add(int(fields[7]))
    return uids


def trust_in(url: str) -> ssl.SSLContext | None:
    """On this machine nobody is between, and who listens was checked: the certificate is that of
    the gateway's name, which 127.0.0.1 is not."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not is_loopback(parts.hostname or ""):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _post(url: str, token: str) -> HttpReply:
    client = LocalClient(url, api_key=token, tls=trust_in(url))
    try:
        return await client.post(RELOAD, b"{}")
    finally:
        await client.close()


def _decoded(reply: HttpReply) -> dict[str, dict[str, str]]:
    try:
        return msgspec.json.decode(reply.body, type=dict)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}
