"""A store of accounts in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shortstop.ports.stores import AccountStore
from shortstop.stores.sqlite.accounts import SqliteAccounts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture
def store(file: Path) -> Iterator[AccountStore]:
    with closing(SqliteAccounts(file)) as store:
        yield store
