"""What stores say while PostgreSQL is away, refuses or is full, and how they recover by themselves.

The server of the session is stopped for these: they have one of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

import pytest

from shortstop.errors import StoreError, StoreUnavailable
from shortstop.ports.stores import Stores
from shortstop.types.accounts import KeyRow
from tests.postgres import GUARDED, PASSWORD, PostgresServer, running
from tests.stores.contract.world import AT, row
from tests.traces.example import trace

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres import pool
from shortstop.stores.postgres.stores import PostgresStores

T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database() as url:
        yield url
        assert pool.SERVERS.users(url) == 0


@pytest.fixture
def stores(url: str) -> Stores:
    return PostgresStores(url)


def in_the_end(call: Callable[[], T], seconds: float = 20) -> T:
    """What it gives as soon as the store is back."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(StoreError) as caught:
        yield
    assert caught.value.code == code, caught.value
    assert caught.value.status == 503
    assert PASSWORD not in str(caught.value)
    assert caught.value.hint


def test_a_server_that_goes_and_comes_back(server: PostgresServer, stores: Stores) -> None:
    with closing(stores.accounts()) as store, closing(stores.rows()) as rows:
        store.add_key("k1", b"1", "{}")
        rows.insert([row(trace("before"))])
        with server.away():
            for _ in range(3):
                with refused("store_unreachable"):
                    store.all_keys()
            with refused("store_unreachable"):
                rows.insert([row(trace("during"))])
            with refused("store_unreachable"):
                stores.reports().summary()
            assert rows.tier("before") is None
        assert in_the_end(store.all_keys) == [KeyRow(b"1", "{}")]
        assert in_the_end(lambda: rows.insert([row(trace("after"))])) == 0
        assert len(list(stores.reports().documents())) == 2


def test_a_restart_between_two_calls_is_not_noticed(server: PostgresServer, stores: Stores) -> None:
    with closing(stores.accounts()) as store:
        for _ in range(2):
            with server.away():
                pass
            assert store.all_keys() == []


def test_a_silent_server_holds_up_one_call_and_no_other(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(PostgresStores(url).accounts()) as store:
        store._database._seconds = 0.2  # type: ignore[attr-defined]
        with server.silent():
            with refused("store_slow"):
                store.all_keys()
            began = time.monotonic()
            for _ in range(100):
                with refused("store_slow"):
                    store.all_keys()
            assert time.monotonic() - began < 1
        assert in_the_end(store.all_keys) == []


def test_nobody_is_there(tmp_path: object) -> None:
    with refused("store_unreachable"):
        PostgresStores(f"postgresql://u@/x?host={tmp_path}").accounts()
    with refused("store_unreachable"):
        PostgresStores("postgresql://u@nowhere.invalid/x").accounts()


def test_a_wrong_password_is_said_and_not_shown(server: PostgresServer, url: str) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    for password in ("wrong", ""):
        with refused("store_credentials"):
            PostgresStores(server.url(name, GUARDED, password)).accounts()
    with refused("store_credentials"):
        PostgresStores(server.url(name, "nobody")).accounts()
    with refused("store_forbidden"):  # the right one, of a user who may make no tables
        PostgresStores(server.url(name, GUARDED, PASSWORD)).accounts()
    assert PASSWORD not in repr(PostgresStores(server.url(name, GUARDED, PASSWORD)))


def test_a_database_that_is_not_there(server: PostgresServer) -> None:
    with refused("store_missing"):
        PostgresStores(server.url("nothing")).accounts()


def test_an_url_that_libpq_does_not_understand(server: PostgresServer) -> None:
    with refused("store_url"):
        PostgresStores(server.url("postgres") + "&colour=blue").accounts()


@contextmanager
def read_only(server: PostgresServer, url: str) -> Iterator[None]:
    name = url.partition("@/")[2].partition("?")[0]
    those = f"FROM pg_stat_activity WHERE datname = '{name}'"
    others = f"SELECT pg_terminate_backend(pid) {those}"
    server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    server.sql(others)
    in_the_end(lambda: _gone(server, those))
    try:
        yield
    finally:
        server.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        server.sql(others)


def _gone(server: PostgresServer, those: str) -> None:
    """They are told to end, and do so when they hear it."""
    if server.sql(f"SELECT 1 {those}"):
        raise StoreUnavailable("Connections are still there.")


def test_a_standby_is_read_and_not_written(
    server: PostgresServer, url: str, stores: Stores
) -> None:
    with closing(stores.rows()) as rows, closing(stores.accounts()) as accounts:
        rows.insert([row(trace("before"))])
        with read_only(server, url):
            with refused("store_read_only"):
                rows.insert([row(trace("during"))])
            with refused("store_read_only"):
                accounts.hold("id", "k", "w", 1, 9, AT)
            assert accounts.all_keys() == []
            assert len(list(stores.reports().documents())) == 1
        assert in_the_end(lambda: rows.insert([row(trace("after"))])) == 0


def test_a_full_disk_refuses_all_rows_and_loses_none(
    server: PostgresServer, url: str, stores: Stores
) -> None:
    """A row that nothing can hold is dropped; one for which there is no space now is not."""
    name = url.partition("@/")[2].partition("?")[0]
    with closing(stores.rows()) as rows:
        rows.open()
        server.sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no space left on device' USING ERRCODE = '53100'; END $$;"
            " CREATE TRIGGER full_disk BEFORE INSERT ON bodies EXECUTE FUNCTION full_disk()",
            name,
        )
        with refused("store_full"):
            rows.insert([row(trace("a")), row(trace("poison", status=2**70))])
        assert list(stores.reports().documents()) == []
        server.sql("DROP TRIGGER full_disk ON bodies", name)
        assert rows.insert([row(trace("a")), row(trace("poison", status=2**70))]) == 1


def test_a_server_without_a_free_connection(server: PostgresServer, url: str) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    with closing(PostgresStores(url).accounts()) as store:
        server.sql(f"ALTER DATABASE {name} CONNECTION LIMIT 1")
        server.sql("CREATE ROLE plain LOGIN")
        with refused("store_crowded"):
            PostgresStores(server.url(name, "plain")).accounts()
        assert store.all_keys() == [], "whoever has one goes on"
