"""SQLite keeps the contract of the stores, and what it promises beyond: modes, and erasure."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from shortstop.ports.rows import RowStore
from shortstop.ports.stores import Stores
from shortstop.stores import Paths, open_stores
from tests.conftest import FakeClock
from tests.stores import contract
from tests.stores.contract.batches import batch_row, file_row, piece, put_batch, put_file
from tests.stores.contract.world import AT, grade, row
from tests.traces.example import trace


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return open_stores(Paths(tmp_path, tmp_path / "traces.db"))


class TestRows(contract.RowStoreContract):
    pass


class TestLake(contract.LakeContract):
    pass


class TestGrades(contract.GradeContract):
    pass


class TestResponses(contract.ResponseStoreContract):
    pass


class TestFiles(contract.FileStoreContract):
    pass


class TestBatches(contract.BatchStoreContract):
    pass


class TestAccounts(contract.AccountStoreContract):
    pass


class TestLevels(contract.BudgetLevelContract):
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
    with closing(stores.files()) as files, closing(stores.batches()) as batches:
        put_file(files, file_row("named", conversation="c1"), piece(1, SECRET))
        put_file(files, file_row("f"), piece(1, SECRET * 500), piece(2, b"else"))
        put_batch(batches, batch_row("b", "f"))
        assert batches.answer("b", piece(1, SECRET * 300, "c1"), failed=False)
        assert files.forget("acme", "c1") == 3
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
    held = stores.files()
    assert held.held(None) == 0
    opened = (rows, accounts, stores.surrogates(), stores.taints(clock, 1, 1), runs, held)
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name.split("-")[0] for path in files} >= {
        "traces.db", "accounts.db", "taint.db", "vault.db", "runs.db", "batches.db",
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    for store in opened:
        store.close()


def test_what_is_deleted_is_given_back_to_the_disk(stores: Stores, tmp_path: Path) -> None:
    with closing(stores.files()) as files:
        put_file(files, file_row("f"), *[piece(n, bytes(100_000)) for n in range(1, 20)])
        assert files.drop("me", "f") == "dropped"
    assert (tmp_path / "batches.db").stat().st_size < 100_000


def test_asking_for_work_makes_no_file(stores: Stores, tmp_path: Path) -> None:
    with closing(stores.files()) as files, closing(stores.batches()) as batches:
        assert batches.claim() is None
        assert batches.unfinished(None) == batches.sweep(AT) == 0
        assert files.sweep(AT, AT) == files.forget("acme", "c1") == 0
    assert not (tmp_path / "batches.db").exists()
