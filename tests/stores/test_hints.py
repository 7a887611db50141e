"""Who listens is told at once what has changed; who cannot is told nothing, and nothing breaks."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from tests.postgres import PostgresServer, pgbouncer, running

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.ports.replicas import EVENTS, KEYS
from shortstop.stores.postgres.accounts import PostgresAccounts
from shortstop.stores.postgres.database import PostgresDatabase
from shortstop.stores.postgres.events import PostgresEvents
from shortstop.stores.postgres.hints import PostgresHints
from shortstop.types.replicas import SealedEvent

WAIT = 30.0
LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@contextmanager
def listening(server: PostgresServer, url: str) -> Iterator[queue.Queue[str]]:
    heard: queue.Queue[str] = queue.Queue()
    hints = PostgresHints(url)
    hints.listen(heard.put)
    try:
        assert {heard.get(timeout=WAIT), heard.get(timeout=WAIT)} == {KEYS, EVENTS}, "at first all"
        yield heard
    finally:
        hints.close()


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def accounts(url: str) -> PostgresAccounts:
    return PostgresAccounts(PostgresDatabase(url, 5.0), PostgresDatabase(url, 5.0))


def test_keys_and_events_are_told(postgres: PostgresServer) -> None:
    with postgres.database() as url, listening(postgres, url) as heard:
        with closing(accounts(url)) as store:
            store.add_key("k", b"f", "{}")
            assert heard.get(timeout=WAIT) == KEYS
        with closing(PostgresEvents(PostgresDatabase(url, 5.0), PostgresDatabase(url, 5.0))) as one:
            one.publish([SealedEvent("w", 1, b"m")])
            assert heard.get(timeout=WAIT) == EVENTS
            one.publish([SealedEvent("w", 1, b"m")])
            store = accounts(url)
            store.change_key("k", lambda record: record)
            assert heard.get(timeout=WAIT) == KEYS, "nothing new was published before"
            store.close()


def test_another_database_is_not_heard(postgres: PostgresServer) -> None:
    with (
        postgres.database() as url,
        postgres.database() as other,
        listening(postgres, url) as heard,
    ):
        for one in (other, url):
            with closing(accounts(one)) as store:
                store.add_key("k", b"f", "{}")
        assert heard.get(timeout=WAIT) == KEYS
        assert heard.empty()


def test_it_listens_again_when_the_server_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortstop.stores.postgres.hints.PAUSE_SECONDS", 0.05)
    with running() as server, server.database() as url, listening(server, url) as heard:
        with server.away():
            pass
        assert {heard.get(timeout=WAIT), heard.get(timeout=WAIT)} == {KEYS, EVENTS}, "all anew"
        with closing(accounts(url)) as store:
            store.add_key("k", b"f", "{}")
        assert heard.get(timeout=WAIT) == KEYS


def test_a_pooler_is_not_listened_to(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pgbouncer(postgres) as pooled, postgres.database() as url:
        hints = PostgresHints(pooled(url.partition("@/")[2].partition("?")[0]))
        hints.listen(lambda what: None)
        until(lambda: "a pooler stands before the database" in caplog.text)
        hints.close()
        assert postgres.sql(LISTENING) == [(0,)]


def test_a_server_that_is_not_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shortstop.stores.postgres.hints.PAUSE_SECONDS", 0.01)
    hints = PostgresHints("postgresql://nobody@127.0.0.1:1/none")
    hints.listen(lambda what: None)
    hints.close()
