"""`shortstop login`, `logout`, `whoami`: somebody signs in at the gateway's identity provider."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from msgspec.structs import asdict

from shortstop.app.places import data_paths
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json, say
from shortstop.cli.reach import require_trusted, url_of
from shortstop.cli.remote import ask, call, require_safe
from shortstop.cli.sessions import SavedSession, SavedSessions
from shortstop.config import is_loopback, load
from shortstop.errors import ConfigError, ShortstopError, Unauthenticated
from shortstop.server.sessions import EndedSession
from shortstop.serving.identity import IdentityFetch
from shortstop.sso import DeviceOffer
from shortstop.sso.device import DeviceLogin

SESSIONS = "/admin/sessions"
SECONDS = 30.0
Url = Annotated[str | None, typer.Option(help="The gateway; default: what the configuration says.")]


def login_command(url: Url = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Sign in to a gateway in a browser, on any machine.

    What commands do then is written down under your name.
    """
    where, kept = _gateway(url, config)
    session = asyncio.run(_signed_in(where))
    kept.keep(where, session)
    if as_json:
        print_json({"url": where, **_plain(session)})
        return
    say(f"Signed in at {where}: {_words(session)}.")


def logout_command(url: Url = None, config: ConfigFile = None) -> None:
    """End the session at a gateway. The provider's own session in the browser goes on."""
    where, kept = _gateway(url, config)
    session = kept.drop(where)
    if session is None:
        say(f"Nobody is signed in at {where}.")
        return
    try:
        asyncio.run(call(where, "DELETE", SESSIONS, EndedSession, None, session.token))
    except Unauthenticated:
        pass  # it was over
    except ShortstopError as error:
        say(f"Forgotten here. A copy of it stays good until its time is over: {error}", err=True)
    say(f"Signed out at {where}.")


def whoami_command(
    url: Url = None,
    token: Annotated[
        bool, typer.Option("--token", help="Print the session's token alone, for curl.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show as whom you are signed in at a gateway, and until when."""
    where, kept = _gateway(url, config)
    session = kept.of(where)
    if session is None:
        raise ConfigError(f"Nobody is signed in at {where}.", hint="Say `shortstop login`.")
    if token:
        say(session.token)
    elif as_json:
        print_json({"url": where, **_plain(session)})
    else:
        say(f"Signed in at {where}: {_words(session)}.")


def _gateway(url: str | None, config: Path | None) -> tuple[str, SavedSessions]:
    loaded = load(config, os.environ)
    paths = data_paths(loaded, os.environ)
    where = require_safe(url or loaded.sso.url or url_of(loaded.server))
    if is_loopback(urlsplit(where).hostname or ""):
        require_trusted(where, paths.admin_token)
    return where, SavedSessions(paths.sessions)


async def _signed_in(where: str) -> SavedSession:
    """Raises ShortstopError."""
    offer = await ask(where, SESSIONS, DeviceOffer)
    for address in (offer.device_authorization_endpoint, offer.token_endpoint):
        require_safe(address, hint="The gateway names it: ask its operator.")
    device = DeviceLogin(offer, IdentityFetch(SECONDS, os.environ), time, asyncio.sleep)
    code = await device.begin()
    say(f"Open {code.verification_uri} and enter the code {code.user_code}", err=True)
    if code.verification_uri_complete:
        say(f"(or open {code.verification_uri_complete})", err=True)
    token = await device.finish(code)
    return await ask(where, SESSIONS, SavedSession, {"id_token": token})


def _words(session: SavedSession) -> str:
    whose = f" of the tenant {session.tenant}" if session.tenant else ""
    team = f", lead of {session.team}" if session.team else ""
    until = datetime.fromtimestamp(session.expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{session.name}, {session.role}{whose}{team}, until {until}"


def _plain(session: SavedSession) -> dict[str, object]:
    """Without the token, which is for nobody's screen."""
    return {name: value for name, value in asdict(session).items() if name != "token"}
