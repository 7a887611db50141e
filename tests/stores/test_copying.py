"""A SQLite install moves into PostgreSQL: all of it, counted; an interruption loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from shortstop.errors import StoreError
from shortstop.ports.stores import Stores
from shortstop.stores import Paths, open_stores
from shortstop.types import Tier
from shortstop.types.accounts import KeptRow
from shortstop.types.rows import ResponseRow, RunHead, SealedSurrogates
from tests.conftest import FakeClock
from tests.postgres import PostgresServer
from tests.stores.contract.world import AT, DAY, grade, row
from tests.stores.test_sql import figured, near, plain, renumbered, reported
from tests.traces.example import remote, trace

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores import copying
from shortstop.stores.copying import copy_stores, sizes
from shortstop.stores.postgres.stores import PostgresStores


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Some rows of every table."""
    paths = Paths(tmp_path, tmp_path / "traces.db")
    stores = open_stores(paths)
    with closing(stores.rows()) as rows:
        rows.open()
        made = [
            remote(f"r{i}", at=AT + i) if i % 3 else trace(f"r{i}", at=AT + i) for i in range(25)
        ]
        rows.insert(
            [row(one) for one in made], [grade(f"r{i}", at=AT + 9 - i % 3) for i in range(9)]
        )
        rows.forget("acme", "c1", AT)
    with closing(stores.accounts()) as accounts:
        accounts.add_key("k1", b"\0\xff", '{"name":"a"}')
        accounts.rotate_key("k1", b"\1\xff", lambda record: (record, "tail"), AT)
        accounts.add_group("team_1", "org_1", "sales", "{}")
        accounts.meter("k1", lambda _: {"requests": 1.5})
        accounts.hold("h", "k1", "w", 7, 100, AT)
        accounts.claim_answer("me", "t", b"f", AT, AT)
        accounts.keep_answer("me", "t", KeptRow(200, b"h", b"\0body"), 9, 999)
    with closing(stores.responses()) as responses:
        responses.keep(ResponseRow("r", "me", None, AT, b"\0[]", b"{}", "acme", "c1"))
    with closing(stores.taints(FakeClock(AT), DAY, DAY)) as taints:
        taints.keep("t", "c", Tier.S3)
    with closing(stores.surrogates()) as surrogates:
        new = SealedSurrogates(b"k", b"\0v")
        surrogates.update(b"s", lambda _: new, now=AT, expires=AT + 9, most=9)
    with closing(stores.runs()) as runs:
        runs.enter("t", "run", AT, 0.0, lambda _: None)
        runs.leave("t", RunHead(b"\0p", "run", b"a"), AT, 3)
    return paths


def kept(stores: Stores) -> list[object]:
    """What every store says, beyond rows and reports."""
    with (
        closing(stores.accounts()) as accounts,
        closing(stores.responses()) as responses,
        closing(stores.taints(FakeClock(AT), DAY, DAY)) as taints,
        closing(stores.surrogates()) as surrogates,
        closing(stores.runs()) as runs,
    ):
        return [
            sorted(accounts.all_keys()), accounts.groups(), accounts.balance("k1", "w"),
            accounts.claim_answer("me", "t", b"f", AT, AT),
            responses.find("me", "r", AT), taints.newest(9), surrogates.get(b"s", AT),
            runs.heads([b"\0p"], 0.0),
        ]  # fmt: skip


def ignore(name: str, rows: int) -> None:
    pass


def test_everything_is_there_and_counted(paths: Paths, url: str) -> None:
    before, target = open_stores(paths), PostgresStores(url)
    seen: dict[str, int] = {}

    def advance(name: str, rows: int) -> None:
        seen[name] = seen.get(name, 0) + rows

    copied = copy_stores(paths, url, advance)
    assert {one.name: one.source for one in copied} == sizes(paths)
    assert all(one.source == one.target == one.copied for one in copied)
    assert seen == sizes(paths)
    assert sum(one.source > 0 for one in copied) >= 14
    assert kept(target) == kept(before)
    for ask in (reported, partial(figured, tenant=None)):
        assert renumbered(plain(ask(target))) == near(renumbered(plain(ask(before))))
    with closing(target.rows()) as rows:
        assert rows.insert([row(trace("r1")), row(trace("new"))]) == 1, "numbers and ids go on"


def test_an_interrupted_copy_goes_on_and_nobody_uses_half_of_it(
    paths: Paths, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "CHUNK", 4)
    steps = 0

    def die(name: str, rows: int) -> None:
        nonlocal steps
        steps += rows > 0
        if steps == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_stores(paths, url, die)
    for use in (PostgresStores(url).accounts, PostgresStores(url).reports().summary):
        with pytest.raises(StoreError, match="holds a part of what is being copied") as caught:
            use()
        assert caught.value.code == "store_copying"
    again = copy_stores(paths, url, ignore)
    assert all(one.source == one.target for one in again)
    assert 0 < sum(one.copied for one in again) < sum(one.source for one in again)
    assert len(list(PostgresStores(url).reports().documents())) == 25


def test_files_that_have_changed_since_are_not_mixed(paths: Paths, url: str) -> None:
    def die(name: str, rows: int) -> None:
        if name == "grades":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_stores(paths, url, die)
    with closing(open_stores(paths).rows()) as rows:
        rows.insert([row(trace("late"))])
    with pytest.raises(StoreError, match="or these have changed"):
        copy_stores(paths, url, ignore)


def test_a_database_in_use_is_left_alone(paths: Paths, url: str) -> None:
    with closing(PostgresStores(url).accounts()) as accounts:
        accounts.add_key("other", b"1", "{}")
    with pytest.raises(StoreError, match="in use already: keys has rows"):
        copy_stores(paths, url, ignore)
    copied = len(list(PostgresStores(url).reports().documents()))
    assert copied == 0
