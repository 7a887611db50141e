"""Rows in days: made ahead, dropped whole, and the version before goes on beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from shortstop.ports.rows import RowStore
from shortstop.ports.stores import Stores
from shortstop.traces.document import decode
from shortstop.types.console import Days, RowFilter
from shortstop.types.rows import COLUMNS
from tests.postgres import PostgresServer, pgbouncer
from tests.stores.contract.world import DAY, grade, row
from tests.traces.example import trace

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres import partitions
from shortstop.stores.postgres.connect import BoundedConnection, connect
from shortstop.stores.postgres.database import PostgresSession
from shortstop.stores.postgres.migrate import migrate
from shortstop.stores.postgres.partitions import AHEAD, BEHIND, DayPartitions
from shortstop.stores.postgres.schema import STEPS
from shortstop.stores.postgres.stores import PostgresStores

TODAY = int(time.time() // DAY)
NOW = TODAY * DAY + 100.0
_PLACE = "SELECT tableoid::regclass::text FROM {} ORDER BY seq"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def connection(url: str) -> Iterator[BoundedConnection]:
    with connect(url) as connection:
        yield connection


@pytest.fixture
def stores(url: str) -> Stores:
    return PostgresStores(url)


@pytest.fixture
def store(stores: Stores) -> Iterator[RowStore]:
    with closing(stores.rows()) as store:
        store.open()
        yield store


def places(connection: BoundedConnection, table: str = "traces") -> list[str]:
    """The partition of each row."""
    return [name for (name,) in connection.execute(_PLACE.format(table))]


def days(connection: BoundedConnection) -> list[str]:
    found = connection.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'traces'::regclass ORDER BY relname"
    )
    return [name for (name,) in found]


def ids(stores: Stores) -> list[str]:
    return [decode(document).id for document in stores.reports().documents()]


def test_each_day_is_apart_and_the_next_ones_are_there(
    store: RowStore, connection: BoundedConnection
) -> None:
    times = [NOW, NOW - DAY, NOW - 30 * DAY, NOW - (BEHIND + 9) * DAY, NOW + 99 * DAY]
    assert store.insert([row(trace(f"r{i}", at=at)) for i, at in enumerate(times)]) == 0
    made = [f"traces_{TODAY}", f"traces_{TODAY - 1}", f"traces_{TODAY - 30}"]
    assert places(connection) == [*made, "traces_odd", "traces_odd"]
    assert places(connection, "bodies") == [
        n.replace("traces", "bodies") for n in places(connection)
    ]
    assert set(days(connection)) == {
        *made, *(f"traces_{TODAY + day}" for day in range(AHEAD + 1)), "traces_odd",
    }  # fmt: skip


def test_an_id_is_taken_within_its_day(store: RowStore, stores: Stores) -> None:
    """A journal that is read again has each row with the time that it had."""
    rows = [row(trace(f"r{i}", at=NOW + i)) for i in range(50)]
    assert store.insert(rows) == 0
    assert store.insert([row(trace("new", at=NOW)), *rows]) == 50
    assert sorted(ids(stores)) == sorted(["new", *(f"r{i}" for i in range(50))])


def test_of_many_rows_only_those_that_cannot_be_kept_are_refused(
    store: RowStore, stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [row(trace(f"r{i}", at=NOW + i)) for i in range(40)]
    rows[7] = row(trace("poison", at=NOW, status=2**70))
    rows[23] = rows[23]._replace(document=b'{"a":"\xff"}')
    rows[31] = row(trace("r31", at=NOW + 31, model="a\0b"))
    assert store.insert(rows) == 2
    assert sorted(ids(stores)) == sorted(f"r{i}" for i in range(40) if i not in (7, 23))
    assert "row poison cannot be kept" in caplog.text
    with stores.figures().figures(9) as figures:
        assert figures.slices(None, Days(TODAY, TODAY + 1))[0].requests == 38
        numbers = [line.seq for line in figures.page(RowFilter(), None, 99).lines]
    assert sorted(numbers) == list(range(1, 39)), "none is left out"


def test_a_day_that_is_over_goes_whole_and_with_everything_about_it(
    store: RowStore, stores: Stores, connection: BoundedConnection
) -> None:
    for day in (9, 8, 0):
        rows = [row(trace(f"{day}-{i}", at=NOW - day * DAY + i)) for i in range(30)]
        store.insert(rows, [grade(f"{day}-1", at=NOW)])
    limit = NOW - 8 * DAY
    assert store.expire(limit, 1) == 30
    assert store.expire(limit, 1) == 0, "the day of the limit stays until it is over"
    assert f"traces_{TODAY - 9}" not in days(connection)
    assert len(ids(stores)) == 60
    assert {one.trace for one in stores.reports().grades()} == {"8-1", "0-1"}
    with stores.figures().figures(9) as figures:
        assert figures.days(None) == Days(TODAY - 8, TODAY + 1)
        points = figures.points((TODAY - 20) * 24, (TODAY + 1) * 24, 24, None)
        assert sum(point.requests for point in points) == 60
    assert connection.execute("SELECT DISTINCT day FROM prices_used ORDER BY 1").fetchall() == [
        (TODAY - 8,), (TODAY,),
    ]  # fmt: skip


def test_rows_of_a_dropped_day_that_lie_elsewhere_are_counted_and_deleted_one_by_one(
    store: RowStore, stores: Stores, connection: BoundedConnection
) -> None:
    store.insert([row(trace("in", at=NOW - 9 * DAY))])
    odd = TODAY - 9
    connection.execute(f"ALTER TABLE traces DETACH PARTITION traces_{odd}")
    connection.execute(f"ALTER TABLE traces_{odd} RENAME TO aside")
    store.insert([row(trace("odd", at=NOW - 9 * DAY))])
    assert places(connection) == ["traces_odd"]
    connection.execute("DROP TABLE aside")
    connection.execute(f"DROP TABLE bodies_{odd}")
    assert store.expire(NOW - 8 * DAY, 5) == 1
    assert ids(stores) == []


def test_who_reads_for_long_is_waited_for_by_nobody(
    store: RowStore, stores: Stores, connection: BoundedConnection
) -> None:
    """Rows lie among the odd ones then, and a day goes later."""
    store.insert([row(trace("old", at=NOW - 9 * DAY))])
    with connection.transaction():
        connection.execute("SELECT count(*) FROM traces").fetchall()
        assert store.expire(NOW, 9) == 0
        assert store.insert([row(trace("late", at=NOW - 5 * DAY))]) == 0
    assert ids(stores) == ["old", "late"]
    assert places(connection) == [f"traces_{TODAY - 9}", "traces_odd"]
    assert store.expire(NOW - 2 * DAY, 9) == 1, "the whole day"
    assert store.expire(NOW - 2 * DAY, 9) == 1, "the odd one"
    assert ids(stores) == []


def test_rows_that_came_before_their_day_was_made_are_moved_there(
    store: RowStore, stores: Stores, connection: BoundedConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is ahead does not keep a whole day among the odd rows, unless they are many."""
    ahead = NOW + (AHEAD + 1) * DAY
    store.insert([row(trace(f"r{i}", at=ahead + i)) for i in range(9)])
    assert set(places(connection)) == {"traces_odd"}
    for most, place in ((8, "traces_odd"), (9, f"traces_{TODAY + AHEAD + 1}")):
        monkeypatch.setattr(partitions, "MOST_MOVED", most)
        with connection.transaction():
            DayPartitions().make(PostgresSession(connection), [], TODAY + 1)
        assert set(places(connection)) == {place}
        assert places(connection, "bodies") == [place.replace("traces", "bodies")] * 9
    assert ids(stores) == [f"r{i}" for i in range(9)]


def test_a_conversation_is_erased_in_all_days(store: RowStore, stores: Stores) -> None:
    for day in (0, 3, BEHIND + 5):
        at = NOW - day * DAY
        store.insert([row(trace(f"r{day}", at=at, tenant="acme", conversation="c1"))])
        store.insert([row(trace(f"other{day}", at=at, tenant="acme", conversation="c2"))])
    assert store.forget("acme", "c1", NOW) == 3
    found = {one.id: one.request is None for one in map(decode, stores.reports().documents())}
    assert found == {
        f"{kind}{day}": kind == "r" for kind in ("r", "other") for day in (0, 3, BEHIND + 5)
    }


def test_through_pgbouncer_in_transaction_mode(postgres: PostgresServer, url: str) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    with pgbouncer(postgres) as through:
        stores = PostgresStores(through(name))
        with closing(stores.rows()) as store:
            store.open()
            rows = [row(trace(f"r{i}", at=NOW - i % 4 * DAY + i)) for i in range(500)]
            assert store.insert(rows) == 0
            assert store.insert(rows) == 500
            assert store.expire(NOW, 9) > 0
        assert len(ids(stores)) < 500


# ---------------------------------------------------------------- the version before

BEFORE = STEPS[:5]
_SLIM = ("seq", *COLUMNS)


class VersionBefore:
    """Its own statements."""

    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection

    def insert(self, id: str, at: float, **changes: Any) -> bool:
        made = row(trace(id, at=at, **changes))
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(1)")
            seq = self._one("SELECT coalesce(max(seq), 0) FROM traces") + 1
            names, marks = ", ".join(f'"{n}"' for n in _SLIM), ", ".join(["%s"] * len(_SLIM))
            done = self._connection.execute(
                f"INSERT INTO traces ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING",
                (seq, *made.columns),
            )
            if done.rowcount == 0:
                return False
            self._connection.execute(
                "INSERT INTO bodies (seq, trace) VALUES (%s, %s)", (seq, made.document.decode())
            )
        return True

    def body(self, id: str) -> str:
        found: str = self._one(
            "SELECT trace FROM traces JOIN bodies USING (seq) WHERE id = %s", (id,)
        )
        return found

    def empty(self, id: str) -> None:
        self._connection.execute(
            "UPDATE bodies SET trace = %s WHERE seq = (SELECT seq FROM traces WHERE id = %s)",
            ("{}", id),
        )

    def delete(self, id: str) -> None:
        seq = self._one("SELECT seq FROM traces WHERE id = %s", (id,))
        assert self._connection.execute("DELETE FROM traces WHERE seq = %s", (seq,)).rowcount == 1

    def _one(self, query: str, args: tuple[object, ...] = ()) -> Any:
        found = self._connection.execute(query, args).fetchone()
        assert found is not None
        return found[0]


def test_what_was_there_stays_whole_and_both_versions_go_on(
    connection: BoundedConnection, url: str
) -> None:
    migrate(connection, "db", BEFORE)
    old = VersionBefore(connection)
    for id, at in (("first", NOW - 50 * DAY), ("today", NOW), ("ahead", NOW + 40 * DAY)):
        assert old.insert(id, at)
    assert migrate(connection, "db") == len(STEPS) - len(BEFORE)
    assert places(connection) == ["traces_earlier", "traces_earlier", "traces_odd"]
    assert sorted(places(connection, "bodies")) == [
        "bodies_earlier",
        "bodies_earlier",
        "bodies_odd",
    ]
    stores = PostgresStores(url)
    with closing(stores.rows()) as new:
        assert old.insert("before", NOW + 1)
        assert not old.insert("today", NOW), "an id is taken for both"
        assert new.insert([row(trace("new", at=NOW + 2)), row(trace("before", at=NOW + 1))]) == 1
        assert old.insert("tomorrow", NOW + 2 * DAY)
        assert places(connection)[-1] == f"traces_{TODAY + 2}", "in the day that the new one made"
        assert not old.insert("new", NOW + 2)
        assert new.insert([row(trace("tomorrow", at=NOW + 2 * DAY))]) == 1
        everything = ["first", "today", "before", "new", "tomorrow", "ahead"]
        assert ids(stores) == everything
        numbers = connection.execute("SELECT seq FROM traces ORDER BY seq").fetchall()
        assert len(set(numbers)) == 6
        assert all(decode(old.body(id).encode()).id == id for id in everything)
        old.empty("new")
        assert old.body("new") == "{}"
        for id in everything:
            old.delete(id)
        assert connection.execute("SELECT count(*) FROM bodies").fetchone() == (0,)


def test_a_day_that_others_have_made_is_used(
    store: RowStore, stores: Stores, connection: BoundedConnection
) -> None:
    with closing(stores.rows()) as other:
        other.insert([row(trace("a", at=NOW - 3 * DAY))])
    assert store.insert([row(trace("b", at=NOW - 3 * DAY))]) == 0
    assert set(places(connection)) == {f"traces_{TODAY - 3}"}
