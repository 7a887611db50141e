"""A gateway over a shared database in this process: it opens its part in it, and leaves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shortstop.accounts import Grant
from shortstop.app.gateway import Shortstop
from shortstop.errors import Unauthenticated
from shortstop.registry.placements import Placements
from shortstop.routing import State, dump_state, packaged
from tests.app.parts import SMALL, VENDOR, Home
from tests.app.test_shelf import keep
from tests.postgres import PostgresServer

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.pool import SERVERS

UPDATE = "UPDATE shortstop_schema"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url
        assert SERVERS.users(url) == 0, "nobody is connected any more"


def home_of(folder: Path, url: str) -> Home:
    folder.mkdir()
    home = Home(folder)
    home.env["SHORTSTOP_TRACES_KEY"] = "one key"
    home.configure(f'{SMALL}{VENDOR}[store]\nurl = "{url}"\n')
    return home


def brain(home: Home) -> Path:
    return home.folder / "brain.bin"


async def test_a_machine_alone_with_its_database(tmp_path: Path, url: str) -> None:
    home = home_of(tmp_path / "a", url)
    gateway = Shortstop(home.config, home.source)
    async with gateway.running():
        replica = gateway.readiness().replica
        assert replica is not None
        assert replica.behind_seconds < 60
        assert (home.folder / "news").stat().st_mode & 0o777 == 0o700
    assert brain(home).exists(), "a copy for the command line"
    assert home.open_files() == set()


async def test_a_key_that_another_machine_revokes_is_refused_as_soon_as_the_server_tells_it(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortstop.accounts.leases.POLL_SECONDS", 3600.0)
    homes = [home_of(tmp_path / name, url) for name in "ab"]
    one, other = (Shortstop(home.config, home.source) for home in homes)
    async with one.running(), other.running():
        secret, key = one.accounts.create(Grant(name="k"))
        await until(lambda: other.accounts.keys.get(key.id) is not None)
        assert other.accounts.identify(secret).key == key.id
        one.accounts.keys.revoke(key.id)
        await until(lambda: not _valid(other, secret))


async def test_a_machine_is_not_ready_on_tables_that_it_cannot_use(
    tmp_path: Path, url: str, postgres: PostgresServer
) -> None:
    home, name = home_of(tmp_path / "a", url), url.partition("@/")[2].partition("?")[0]
    gateway = Shortstop(home.config, home.source)
    async with gateway.running():
        replica = gateway._resources.replica
        assert replica is not None
        was = postgres.sql("SELECT version, oldest FROM shortstop_schema", name)[0]
        for version, oldest, word in ((was[0], 1000, "needs at least 1000"), (1, 1, "version 1, ")):
            postgres.sql(
                f"UPDATE shortstop_schema SET version = {version}, oldest = {oldest}", name
            )
            await replica.require_schema()
            readiness = gateway.readiness()
            assert (readiness.ready, word in readiness.why) == (False, True), readiness.why
        postgres.sql(f"{UPDATE} SET version = {was[0]}, oldest = {was[1]}", name)
        await replica.require_schema()
        assert "schema" not in gateway.readiness().why


def _valid(gateway: Shortstop, secret: str) -> bool:
    try:
        gateway.accounts.identify(secret)
    except Unauthenticated:
        return False
    return True


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


async def test_what_a_machine_knew_is_the_beginning_and_another_s_own_is_set_aside(
    tmp_path: Path, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite installs that come together: the first one's memory is everybody's, and none is
    overwritten."""
    homes = [home_of(tmp_path / name, url) for name in "ab"]
    for number, home in enumerate(homes):
        state = State()
        state.prepare(packaged())
        state.decided = 100 + number
        brain(home).write_bytes(dump_state(state))
    for home in (*homes, homes[1]):
        gateway = Shortstop(home.config, home.source)
        async with gateway.running():
            assert gateway._runtime.learned.state.decided == 100
    assert caplog.text.count("the router starts with what the machines share") == 1
    (aside,) = (home for home in homes[1].folder.glob("brain.bin.alone-*"))
    assert aside.read_bytes()
    assert not list(homes[0].folder.glob("brain.bin.*"))


async def test_machines_draw_different_lots(tmp_path: Path, url: str) -> None:
    draws = []
    for name in "abc":
        home = home_of(tmp_path / name, url)
        gateway = Shortstop(home.config, home.source)
        draws.append(gateway._runtime.learned.state.draws)
        gateway.abandon()
    assert len(set(draws)) == 3


async def test_a_specialist_that_is_placed_on_one_gateway_is_a_target_of_the_other(
    tmp_path: Path, url: str
) -> None:
    one, two = (home_of(tmp_path / name, url) for name in "ab")
    first, second = Shortstop(one.config, one.source), Shortstop(two.config, two.source)
    async with first.running(), second.running():
        name = keep(one.folder, "repeats")
        async with asyncio.timeout(120):
            while name not in second.targets:
                await asyncio.sleep(0.05)
        Placements(two.folder).roll_back(name, 2.0, "by hand")
        async with asyncio.timeout(120):
            while name in first.targets or name in second.targets:
                await asyncio.sleep(0.05)
        assert Placements(one.folder).all() == Placements(two.folder).all()
