"""SQLite keeps the contract of the stores, and what it promises beyond: modes, and erasure."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from shortstop.ports.stores import RowStore, Stores
from shortstop.stores import Paths, open_stores
from tests.conftest import FakeClock
from tests.stores import contract
from tests.stores.contract.world import AT, grade, row
from tests.traces.example import trace


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return open_stores(Paths(tmp_path, tmp_path / "traces.db"))


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


SECRET = b"the walrus was Paul"


def everything(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


def forgotten(store: RowStore) -> None:
    said = {"text": SECRET.decode()}
    with closing(store):
        store.insert(
            [row(trace("a", conversation="c", request=said))],
            [grade("a", correction=SECRET)],
        )
        assert store.forget("default", "c", AT) == 1


def test_what_is_forgotten_is_not_on_the_disk(stores: Stores, tmp_path: Path) -> None:
    forgotten(stores.rows())
    with closing(stores.responses()) as responses:
        row = contract.ResponseStoreContract().kept("r", turn=SECRET, response=SECRET)
        responses.keep(row)
        assert responses.forget("acme", "c1") == 1
    with closing(stores.surrogates()) as surrogates:
        contract.SurrogateStoreContract().put(surrogates, b"s", SECRET)
        assert SECRET in everything(tmp_path)
        assert surrogates.erase(b"s", AT)
    assert SECRET not in everything(tmp_path)


def test_all_files_are_the_owners_alone(stores: Stores, tmp_path: Path, clock: FakeClock) -> None:
    rows, accounts = stores.rows(), stores.accounts()
    rows.open()
    runs = stores.runs()
    assert runs.owners("r") == []
    opened = (rows, accounts, stores.surrogates(), stores.taints(clock, 1, 1), runs)
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name.split("-")[0] for path in files} >= {
        "traces.db", "accounts.db", "taint.db", "vault.db", "runs.db",
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    for store in opened:
        store.close()
