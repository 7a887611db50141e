"""The accounts of a gateway as commands open them, and the log of what commands do to them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import urlsplit

from shortstop.accounts import Accounts, Key
from shortstop.app.admin_token import shown_token
from shortstop.app.places import data_paths
from shortstop.cli.acts import write_down
from shortstop.cli.gateway_accounts import GatewayAccounts
from shortstop.cli.reach import require_trusted
from shortstop.cli.remote import require_safe
from shortstop.cli.sessions import SavedSessions
from shortstop.config import Config, is_loopback, load
from shortstop.errors import ConfigError, InvalidRequest, NotFound
from shortstop.stores import Paths, open_stores

AnyAccounts = Accounts | GatewayAccounts


@dataclass(frozen=True, slots=True)
class AccountsDesk:
    """`with desk(config) as open: ...`"""

    accounts: AnyAccounts
    config: Config

    def note(self, what: str, *, needed: bool) -> None:
        """Before it is done: what is `needed` and cannot be written down is not done. A gateway
        writes down itself what it is asked to do."""
        if not isinstance(self.accounts, GatewayAccounts):
            write_down(self.config, what, needed=needed)

    def active(self, named: str) -> Key:
        """The key in use that has this id or, where none has it, this name: what somebody calls a
        key hides no other. Raises NotFound, also for several."""
        active = [key for key in self.accounts.keys.all() if key.revoked is None]
        matching = [key for key in active if key.id == named]
        matching = matching or [key for key in active if key.name == named]
        if len(matching) != 1:
            what = f"{len(matching)} keys are called" if matching else "No active key is called"
            raise NotFound(f"{what} {named!r}.", hint="`shortstop keys list` shows their ids.")
        return matching[0]


@contextmanager
def desk(config: Path | None, gateway: str | None = None) -> Iterator[AccountsDesk]:
    """The accounts of the gateway that `config` describes, or of the one that runs at the address
    `gateway`; closed with the block."""
    settings = load(config, os.environ)
    paths = data_paths(settings, os.environ)
    accounts: AnyAccounts
    if gateway is None:
        accounts = Accounts(open_stores(paths).accounts(), time)
    else:
        accounts = _reached(require_safe(gateway, "Say --gateway https://HOST."), settings, paths)
    try:
        yield AccountsDesk(accounts, settings)
    finally:
        accounts.close()


def _reached(url: str, settings: Config, paths: Paths) -> GatewayAccounts:
    """As who is signed in there, else as the holder of the admin token. Raises ConfigError."""
    name = settings.server.admin_token_env
    session = None if os.environ.get(name, "").strip() else SavedSessions(paths.sessions).of(url)
    if is_loopback(urlsplit(url).hostname or ""):
        require_trusted(url, paths.admin_token)
    elif session is None and not os.environ.get(name, "").strip():
        raise ConfigError(
            f"Nobody is signed in at {url}.",
            hint=f"Say `shortstop login --url {url}`, or put its admin token in {name}.",
        )
    if session is not None:
        return GatewayAccounts(url, session.token, leads=session.role == "team-lead")
    return GatewayAccounts(url, shown_token(paths.admin_token, os.environ, name), leads=False)


def dollars_in(text: str) -> Decimal:
    """US dollars as people write them. Raises InvalidRequest."""
    try:
        return Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise InvalidRequest(
            f"{text!r} is not an amount of US dollars, such as 25 or 0.50."
        ) from None
