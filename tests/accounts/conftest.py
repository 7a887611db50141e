"""A store of accounts in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shortstop.ports.stores import AccountStore
from shortstop.stores.owners import Owner
from shortstop.stores.sqlite.accounts import SqliteAccounts


def opened(file: Path) -> SqliteAccounts:
    return SqliteAccounts(file, Owner(file.with_name("owners")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture
def store(file: Path) -> Iterator[AccountStore]:
    with closing(opened(file)) as store:
        yield store
