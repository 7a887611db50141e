"""PostgreSQL keeps the contract of the stores, and what it promises beyond."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from multiprocessing.context import SpawnProcess
from pathlib import Path
from urllib.parse import quote

import pytest

from shortstop.errors import StoreError
from shortstop.ports.stores import AccountStore, Stores, TaintStore
from shortstop.traces.document import decode
from shortstop.types import Tier
from shortstop.types.console import RowFilter
from shortstop.types.leases import LeaseOrder
from shortstop.types.rows import COLUMNS
from tests.conftest import FakeClock
from tests.postgres import PostgresServer, pgbouncer
from tests.stores import contract
from tests.stores.contract.levels import level
from tests.stores.contract.world import AT, SPAWN, grade, in_threads, row
from tests.traces.example import trace

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

import psycopg

from shortstop.stores.postgres.connect import BoundedConnection, connect
from shortstop.stores.postgres.database import PostgresDatabase
from shortstop.stores.postgres.migrate import SchemaVersion, check, migrate
from shortstop.stores.postgres.pool import SERVERS
from shortstop.stores.postgres.schema import STEPS, SchemaStep
from shortstop.stores.postgres.stores import PostgresStores


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """A database of the test's own; at its end nobody is connected any more."""
    with postgres.database() as url:
        yield url
        assert SERVERS.users(url) == 0


@pytest.fixture
def stores(url: str) -> Stores:
    return PostgresStores(url)


class TestRows(contract.RowStoreContract):
    pass


class TestLake(contract.LakeContract):
    pass


class TestGrades(contract.GradeContract):
    pass


class TestResponses(contract.ResponseStoreContract):
    pass


class TestAccounts(contract.AccountStoreContract):
    pass


class TestLevels(contract.BudgetLevelContract):
    pass


class TestLeases(contract.LeaseContract):
    def test_a_limit_s_slice_lapses_and_counts_as_used(
        self, store: AccountStore, url: str, postgres: PostgresServer
    ) -> None:
        """By the server's clock; whoever had it may come back and say how much it was."""
        name = url.partition("@/")[2].partition("?")[0]
        self.meter(store, LeaseOrder("", "a", (), 0), lambda *_: 5)
        postgres.sql("UPDATE meter_leases SET until = clock_timestamp()", name)
        _, state, spent = self.meter(store, LeaseOrder("a", "b", (), 2), lambda *_: 3)
        assert (state.mine, state.lapsed, spent) == (5, 0, 2)
        postgres.sql("UPDATE meter_leases SET until = clock_timestamp()", name)
        _, state, _ = self.meter(store, LeaseOrder("", "c", (), 0), lambda *_: 1)
        assert (state.mine, state.others, state.lapsed) == (0, 0, 3)
        _, state, spent = self.meter(store, LeaseOrder("b", "d", (), 3), lambda *_: 1)
        assert (state.mine, state.others, spent) == (0, 1, 0), "it was counted as used"


class TestTaints(contract.TaintStoreContract, contract.TaintRisesContract):
    def test_what_the_version_before_writes_has_its_number(
        self, store: TaintStore, url: str, postgres: PostgresServer
    ) -> None:
        name = url.partition("@/")[2].partition("?")[0]
        assert store.rises is not None
        before = store.rises.last()
        written = "INSERT INTO taints (tenant, conversation, tier, at) VALUES ('t', 'c', {}, 0)"
        raised = " ON CONFLICT (tenant, conversation) DO UPDATE SET tier = excluded.tier"
        for tier in (1, 1, 2):
            postgres.sql(written.format(tier) + raised, name)
        ((number, row),) = store.rises.after(before, 9)
        assert row == ("t", "c", Tier.S2)
        assert number == store.rises.last()


class TestRuns(contract.RunStoreContract):
    pass


class TestSurrogates(contract.SharedSurrogateStoreContract):
    pass


class TestEvents(contract.EventStoreContract):
    pass


class TestLeaders(contract.LeaderStoreContract):
    pass


class TestSpecialists(contract.SpecialistStoreContract):
    pass


def test_through_pgbouncer_in_transaction_mode(postgres: PostgresServer, url: str) -> None:
    """Four threads at once, each transaction on whichever of two servers' connections is free."""
    name = url.partition("@/")[2].partition("?")[0]
    with pgbouncer(postgres) as through:
        stores = PostgresStores(through(name))
        with (
            closing(stores.rows()) as rows,
            closing(stores.accounts()) as accounts,
            closing(stores.runs()) as runs,
        ):
            rows.open()

            def work(number: int) -> None:
                for i in range(10):
                    id = f"{number}-{i}"
                    accounts.meter("k", lambda old: {"n": old.get("n", 0.0) + 1})
                    if accounts.hold(id, "k", "w", 10, 250, AT):
                        accounts.settle(id, "w", 10)
                    runs.enter("t", "r", AT, 0.0, lambda row: None)
                    if number == 0:
                        assert rows.insert([row(trace(id, at=AT + i))], [grade(id)]) == 0
                    stores.reports().summary()

            in_threads(work)
            assert accounts.balance("k", "w") == (250, 0)
            assert runs.owners("r") == ["t"]
            with stores.figures().figures(9) as figures:
                assert len(figures.page(RowFilter(), None, 99).lines) == 10
                assert len(figures.documents(RowFilter(), None, 99).rows) == 10
        assert SERVERS.users(through(name)) == 0


def test_a_process_takes_five_connections_at_most(postgres: PostgresServer, url: str) -> None:
    stores, counted = PostgresStores(url), []
    name = url.partition("@/")[2].partition("?")[0]
    open_to = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    with closing(stores.accounts()) as accounts, closing(stores.taints(FakeClock(), 9, 9)):

        def work(number: int) -> None:
            for _ in range(15):
                accounts.meter(f"k{number}", lambda old: {"n": 1.0})
                stores.reports().charges()
                stores.reports().summary() if number % 2 else None

        def busy(number: int) -> None:
            work(number)
            counted.append(postgres.sql(open_to)[0][0])

        in_threads(busy, 12)
    assert 2 <= max(counted) <= 5


class TestMigration:
    """From blank, several at once, expanding and contracting, never against a newer version."""

    @pytest.fixture
    def connection(self, url: str) -> Iterator[BoundedConnection]:
        with connect(url) as connection:
            yield connection

    def test_it_is_done_once(self, connection: BoundedConnection) -> None:
        with pytest.raises(StoreError, match=f"schema version 0, not {len(STEPS)}") as caught:
            check(connection, "db")
        assert caught.value.code == "store_schema"
        assert migrate(connection, "db") == len(STEPS)
        assert migrate(connection, "db") == 0
        assert check(connection, "db") == SchemaVersion(len(STEPS), 1)

    def test_the_rows_have_every_column_that_is_filled(self, connection: BoundedConnection) -> None:
        migrate(connection, "db")
        found = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'traces'"
            " ORDER BY ordinal_position"
        )
        assert [name for (name,) in found] == ["seq", *COLUMNS]

    def test_a_version_before_goes_on_until_a_step_contracts(
        self, connection: BoundedConnection
    ) -> None:
        expand = SchemaStep(("ALTER TABLE keys ADD COLUMN colour TEXT",))
        contract_ = SchemaStep(("ALTER TABLE keys DROP COLUMN record",), contracts=True)
        migrate(connection, "db")
        assert migrate(connection, "db", (*STEPS, expand)) == 1
        assert check(connection, "db").version == len(STEPS) + 1, "N beside N + 1"
        assert migrate(connection, "db") == 0
        migrate(connection, "db", (*STEPS, expand, contract_))
        for use in (check, migrate):
            needs = f"needs at least {len(STEPS) + 2}; this Shortstop knows {len(STEPS)}"
            with pytest.raises(StoreError, match=needs):
                use(connection, "db")

    def test_a_step_that_fails_changes_nothing(self, connection: BoundedConnection) -> None:
        broken = SchemaStep(("CREATE TABLE half (x INT)", "CREATE TABLE half (x INT)"))
        with pytest.raises(psycopg.Error):
            migrate(connection, "db", (*STEPS, broken))
        assert check(connection, "db").version == len(STEPS)
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)

    def test_it_may_take_longer_than_a_call(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def slow(connection: BoundedConnection, where: str) -> int:
            connection.execute("SELECT pg_sleep(1.2)")
            return migrate(connection, where)

        monkeypatch.setattr("shortstop.stores.postgres.database.migrate", slow)
        with closing(PostgresDatabase(url, 0.5)) as database:
            with database.reading() as session:
                assert session.execute("SELECT version FROM shortstop_schema").fetchone()
            with pytest.raises(StoreError), database.reading() as session:
                session.execute("SELECT pg_sleep(3)")

    def test_it_may_take_longer_than_the_server_lets_requests_take(self, url: str) -> None:
        slow = SchemaStep(("SELECT pg_sleep(0.5)",))
        limits = "-cstatement_timeout=200 -clock_timeout=200"
        with connect(f"{url}&options={quote(limits)}") as connection:
            migrate(connection, "db")
            assert migrate(connection, "db", (*STEPS, slow)) == 1
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(0.5)")

    @pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
    def test_a_database_that_cannot_hold_every_text_is_refused(
        self, postgres: PostgresServer, encoding: str
    ) -> None:
        name = encoding.lower()
        postgres.sql(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0")
        with connect(postgres.url(name)) as connection:
            for use in (check, migrate):
                with pytest.raises(StoreError, match=f"encoding {encoding}") as caught:
                    use(connection, "db")
                assert caught.value.code == "store_encoding"
        postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def test_a_newer_schema_is_refused_by_every_store(
        self, url: str, connection: BoundedConnection
    ) -> None:
        migrate(connection, "db")
        connection.execute("UPDATE shortstop_schema SET version = 99, oldest = 99")
        stores = PostgresStores(url)
        for call in (stores.accounts, stores.surrogates, stores.reports().summary):
            with pytest.raises(StoreError, match="Use the newer Shortstop"):
                call()


def test_the_version_before_works_beside_this_one(stores: Stores, url: str) -> None:
    """With its own statements: it sets aside, settles, and gives up what a dead process of this
    version had set aside, on every level."""
    levels = [level("k1", 100), level("team_1", 100), level("org_1", 100)]
    with closing(stores.accounts()) as store, connect(url) as before:
        store.add_key("k1", b"1", "{}")
        store.rotate_key("k1", b"2", lambda record: (record, "tail"), AT)
        assert before.execute("SELECT fingerprint, record FROM keys").fetchall() == [(b"2", "{}")]
        before.execute("UPDATE keys SET record = %s WHERE id = %s", ("[]", "k1"))
        assert {row.record for row in store.all_keys()} == {"[]"}
        assert store.hold_levels("a", levels, 40, AT) is None
        for id, key, amount in before.execute("SELECT id, key, amount FROM holds").fetchall():
            assert before.execute("DELETE FROM holds WHERE id = %s", (id,)).rowcount == 1
            before.execute(
                "UPDATE purses SET spent = spent + %s, held = held - %s WHERE key = %s",
                (amount, amount, key),
            )
        assert [store.balance(one.purse, "w") for one in levels] == [(40, 0)] * 3
        before.execute(
            "INSERT INTO holds (id, key, amount, owner, at) VALUES ('b', 'k1', 9, '', %s)", (AT,)
        )
        before.execute("UPDATE purses SET held = held + 9 WHERE key = 'k1'")
        store.settle("b", "w", 5)
        assert [store.balance(one.purse, "w") for one in levels] == [(45, 0), (40, 0), (40, 0)]


def test_a_text_with_the_character_that_postgresql_has_not_is_kept(stores: Stores) -> None:
    with closing(stores.rows()) as store:
        store.open()
        one = row(trace("a", model="a\0b"))
        assert store.insert([one]) == 0
        assert store.insert([one._replace(columns=("b\ud800", *one.columns[1:]))]) == 1
    assert [decode(one).model for one in stores.reports().documents()] == ["a\0b"]


@pytest.mark.parametrize("end", ["clock_timestamp()", "'infinity'"])
def test_a_dead_process_is_dead_when_its_time_is_over(
    url: str, postgres: PostgresServer, end: str
) -> None:
    """After kill -9 nobody says so: what it had set aside is free when its signs have stopped. One
    without an end is none."""
    name = url.partition("@/")[2].partition("?")[0]
    stores = PostgresStores(url)
    with closing(stores.accounts()) as mine:
        killed = SPAWN.Process(target=_hold_and_wait, args=(stores,))
        killed.start()
        while not mine.balance("k", "w")[1]:
            pass
        assert mine.recover(AT - 1) == 0, "it may be alive"
        killed.kill()
        killed.join()
        assert mine.recover(AT - 1) == 0
        recovered, last = 0, time.monotonic() + 60
        while not recovered and time.monotonic() < last:  # its last sign may be on its way yet
            postgres.sql(f"UPDATE owners SET until = {end}", name)
            recovered = mine.recover(AT - 1)
        assert recovered == 1
        assert mine.balance("k", "w") == (5, 0)


def _hold_and_wait(stores: Stores) -> None:
    store = stores.accounts()
    assert store.hold("dead", "k", "w", 5, 500, AT)
    threading.Event().wait()


BUDGET, PRICE = 3000, 10


def _spend_until_killed(stores: Stores, log: str, number: int) -> None:
    """Spend for real between setting aside and settling, and write it down."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    store = stores.accounts()
    for i in count():
        id = f"{os.getpid()}-{i}"
        if store.hold(id, "k", "w", PRICE, BUDGET, AT):
            os.write(file, b"%d\n" % PRICE)
            store.settle(id, "w", PRICE)


def test_no_budget_is_overshot_by_three_processes_whoever_is_killed(
    stores: Stores, tmp_path: Path
) -> None:
    log = tmp_path / "spent"
    log.touch()

    def begun(number: int) -> SpawnProcess:
        process = SPAWN.Process(target=_spend_until_killed, args=(stores, str(log), number))
        process.start()
        return process

    def spent() -> int:
        return sum(map(int, log.read_text().split()))

    processes = [begun(number) for number in range(3)]
    with closing(stores.accounts()) as store:
        for goal in (300, 1000, 1700):
            while spent() < goal:
                time.sleep(0.002)
            processes[0].kill()
            processes = [*processes[1:], begun(3)]
        while sum(store.balance("k", "w")) <= BUDGET - PRICE:
            time.sleep(0.01)
        for process in processes:
            process.kill()
            process.join()
        booked, held = store.balance("k", "w")
    assert BUDGET - PRICE < booked + held <= BUDGET
    assert booked <= spent() <= booked + held, "what the dead had set aside may be spent or not"
