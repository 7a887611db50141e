"""Strangers do not get in: a public address needs a key, at the start and after a reload."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shortstop.accounts import Accounts, Grant
from shortstop.app.exposure import refuse_exposure
from shortstop.app.gateway import Shortstop
from shortstop.config import ServerConfig
from shortstop.errors import ConfigError
from shortstop.stores import Paths, open_stores
from tests.app.parts import SMALL, Home
from tests.conftest import FakeClock

PUBLIC = SMALL + '[server]\nhost = "0.0.0.0"\nauth = "{auth}"\n'


def at(host: str, auth: str = "auto") -> ServerConfig:
    return ServerConfig(host=host, auth=auth)  # type: ignore[arg-type]


@pytest.fixture
def accounts(tmp_path: Path, clock: FakeClock) -> Iterator[Accounts]:
    paths = Paths(tmp_path, tmp_path / "traces.db")
    with closing(Accounts(open_stores(paths).accounts(), clock)) as accounts:
        yield accounts


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "localhost", "::1"])
def test_this_machine_needs_no_key(accounts: Accounts, host: str) -> None:
    refuse_exposure(at(host), accounts)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "gateway.example", ""])
def test_nobody_else_gets_in_without_one(accounts: Accounts, host: str) -> None:
    with pytest.raises(ConfigError, match="spend your money") as raised:
        refuse_exposure(at(host), accounts)
    assert "shortstop keys create" in raised.value.hint
    assert 'auth = "off"' in raised.value.hint


def test_the_door_is_open_to_others_once_keys_are_asked_for(accounts: Accounts) -> None:
    everywhere = at("0.0.0.0")
    refuse_exposure(at("0.0.0.0", "required"), accounts)
    refuse_exposure(at("0.0.0.0", "off"), accounts)
    _, key = accounts.create(Grant(name="first"))
    refuse_exposure(everywhere, accounts)
    accounts.keys.revoke(key.id)
    refuse_exposure(everywhere, accounts)


async def test_a_reload_opens_no_door(home: Home) -> None:
    home.configure(PUBLIC.format(auth="required"))
    gateway = Shortstop(home.config, home.source)
    async with gateway.running():
        home.configure(PUBLIC.format(auth="auto"))
        with pytest.raises(ConfigError, match="spend your money"):
            await gateway.swap()
        assert gateway.asks_for_keys
        gateway.accounts.create(Grant(name="first"))
        await gateway.swap()
        assert gateway.asks_for_keys
