"""Whether strangers could use the gateway."""

from __future__ import annotations

from contextlib import closing

from shortstop.accounts import Accounts
from shortstop.app.clock import CLOCK
from shortstop.config import ServerConfig, is_loopback
from shortstop.errors import ConfigError
from shortstop.stores import Paths, open_stores


def refuse_strangers(server: ServerConfig, paths: Paths) -> None:
    """The same by the keys in the data folder. Raises ConfigError."""
    with closing(Accounts(open_stores(paths).accounts(), CLOCK)) as accounts:
        refuse_exposure(server, accounts)


def refuse_exposure(server: ServerConfig, accounts: Accounts) -> None:
    """Raises ConfigError when whoever reaches a public address needs no key."""
    if server.auth == "off" or is_loopback(server.host):
        return
    if server.auth == "required" or accounts.keys.all():
        return
    raise ConfigError(
        f"Listening on {server.host} would let everybody who reaches it spend your money.",
        hint="Make a key first (`shortstop keys create NAME`), listen on 127.0.0.1, or say"
        ' `auth = "off"` under [server] if the network is trusted.',
    )
