"""PostgreSQL keeps the contract of the stores, and what it promises beyond."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shortstop.ports.stores import Stores
from tests.postgres import PostgresServer
from tests.stores import contract

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.pool import SERVERS
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


class TestGrades(contract.GradeContract):
    pass


class TestResponses(contract.ResponseStoreContract):
    pass


class TestAccounts(contract.AccountStoreContract):
    pass


class TestTaints(contract.TaintStoreContract):
    pass


class TestRuns(contract.RunStoreContract):
    pass


class TestSurrogates(contract.SharedSurrogateStoreContract):
    pass
