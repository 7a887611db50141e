"""What PostgreSQL alone could get wrong: rows that are numbered before others and seen after them,
and a leader's write that meets the next term."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from shortstop.errors import NotLeading
from tests.postgres import PostgresServer
from tests.stores.contract.replicas import event, read, snapshot

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.connect import connect
from shortstop.stores.postgres.stores import PostgresStores

SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_lock_shared(7); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER INSERT ON learned_events FOR EACH ROW WHEN (NEW.writer = 'slow')
EXECUTE FUNCTION slow()
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


def test_a_row_that_was_numbered_first_and_commits_last_is_not_missed(
    postgres: PostgresServer, url: str
) -> None:
    """The slow writer's row has its number, and stands still before its commit; the quick one must
    not be seen with a higher number meanwhile."""
    name = url.partition("@/")[2].partition("?")[0]
    with (
        closing(PostgresStores(url).events()) as store,
        closing(PostgresStores(f"{url}&connect_timeout=9").events()) as elsewhere,
        closing(PostgresStores(f"{url}&connect_timeout=8").events()) as reader,
        connect(url) as other,
    ):
        store.publish([event("first", 1)])
        postgres.sql(SLOW, name)
        other.execute("SELECT pg_advisory_lock(7)")
        writers = [
            threading.Thread(target=each.publish, args=([event(writer, 1)],))
            for each, writer in ((store, "slow"), (elsewhere, "quick"))
        ]
        seen = []
        for number, writer in enumerate(writers, 1):
            writer.start()
            deadline = time.monotonic() + 20
            while postgres.sql(WAITING)[0][0] != number and writer.is_alive():
                assert time.monotonic() < deadline
                time.sleep(0.005)
        seen += reader.after(0, 9).events
        other.execute("SELECT pg_advisory_unlock(7)")
        for writer in writers:
            writer.join()
        seen += reader.after(seen[-1].id, 9).events
        assert [one.event.writer for one in seen] == ["first", "slow", "quick"]
        assert len(read(store)) == 3


def test_the_next_term_begins_after_a_write_or_refuses_it(url: str) -> None:
    """A leader has shown its term and not committed yet: nobody else leads meanwhile, though its
    time is over."""
    with (
        closing(PostgresStores(url).leaders()) as leaders,
        closing(PostgresStores(url).events()) as events,
        connect(url) as writing,
    ):
        term = leaders.lead("a", 0)
        assert term is not None
        writing.execute("BEGIN")
        writing.execute("SELECT 1 FROM leaders WHERE term = %s FOR SHARE", (term,))
        later: list[int | None] = []
        other = threading.Thread(target=lambda: later.append(leaders.lead("b", 60)))
        other.start()
        deadline = time.monotonic() + 20
        with connect(url) as looking:
            query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while looking.execute(query).fetchone() == (0,):
                assert time.monotonic() < deadline
                time.sleep(0.005)
        writing.execute("COMMIT")
        other.join()
        assert later == [term + 1]
        with pytest.raises(NotLeading):
            events.keep_snapshot(term, snapshot(0))
