"""A store of accounts in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shortstop.ports.stores import AccountStore
from shortstop.stores.owners import Owner
from shortstop.stores.sqlite.accounts import SqliteAccounts
from tests.conftest import FakeClock
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.accounts.replicas import World


def opened(file: Path) -> SqliteAccounts:
    return SqliteAccounts(file, Owner(file.with_name("owners")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture
def store(file: Path) -> Iterator[AccountStore]:
    with closing(opened(file)) as store:
        yield store


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database of the test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def world(postgres: PostgresServer, url: str, clock: FakeClock) -> Iterator[World]:
    """Simulated processes that share it."""
    from tests.accounts.replicas import World  # skips where there is no psycopg

    with closing(World(postgres, url, clock)) as world:
        yield world
