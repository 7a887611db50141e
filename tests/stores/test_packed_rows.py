"""Packed rows: read as if they were none, written only when no earlier Shortstop is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from shortstop.errors import StoreError
from shortstop.ports.stores import Stores
from shortstop.traces.document import decode
from shortstop.traces.packing import MARK
from tests.postgres import PostgresServer
from tests.stores import contract
from tests.stores.contract.world import AT, grade, row
from tests.traces.example import remote, trace

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.connect import connect
from shortstop.stores.postgres.migrate import finish_at, found, migrate, migrate_at
from shortstop.stores.postgres.schema import PACKED_ROWS, STEPS
from shortstop.stores.postgres.stores import PostgresStores


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def stores(url: str) -> Stores:
    """Those of a database that no earlier Shortstop uses any more."""
    migrate_at(url)
    finish_at(url)
    return PostgresStores(url)


class TestRows(contract.RowStoreContract):
    test_reading_what_is_not_there_is_an_error = None  # type: ignore[assignment]
    """Here the tables are there."""


class TestLake(contract.LakeContract):
    pass


class TestGrades(contract.GradeContract):
    pass


def texts(url: str) -> list[str]:
    """The documents as they lie there, in order."""
    with connect(url) as connection:
        return [text for (text,) in connection.execute("SELECT trace FROM bodies ORDER BY seq")]


def test_while_an_earlier_version_may_read_them_rows_are_json_and_then_packed(url: str) -> None:
    migrate_at(url)
    stores = PostgresStores(url)
    made = [
        trace("r1", at=AT, request=None, response=None, conversation="c"),
        remote("r2", at=AT + 1, request=None, response=None, conversation="c"),
        trace("r3", at=AT + 2),
    ]
    with closing(stores.rows()) as store:
        store.open()
        assert store.insert([row(made[0])], [grade("r1")]) == 0
        (text,) = texts(url)
        assert "null" not in text, "nothing that is empty"
        assert json.loads(text)["digest"] == "d1"
        finish_at(url)
        assert store.insert([row(one) for one in made[1:]]) == 0
    first, second, third = texts(url)
    assert first == text
    assert second.startswith(MARK)
    assert len(second) < len(row(made[1]).document) / 2
    assert third.startswith(MARK)
    found_ = [decode(document) for document in stores.reports().documents()]
    assert found_ == made


def test_with_the_last_step_an_earlier_shortstop_is_refused(url: str) -> None:
    before = STEPS[: STEPS.index(PACKED_ROWS)]
    with connect(url) as connection:
        migrate(connection, "it")
        assert migrate(connection, "it", before) == 0, "it goes on beside this one"
        finish_at(url)
        assert found(connection).oldest == len(STEPS)
        with pytest.raises(StoreError, match="needs at least") as caught:
            migrate(connection, "it", before)
    assert caught.value.code == "store_schema"


def test_what_is_not_migrated_is_not_finished(url: str) -> None:
    with connect(url) as connection:
        migrate(connection, "it", STEPS[:-1])
    with pytest.raises(StoreError, match="store migrate"):
        finish_at(url)
