"""The vault: sealed on disk, shared by processes, gone after its time or when told so."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.ports.stores import SurrogateStore
from shortstop.privacy.replace.vault import MemorySurrogates, Vault
from shortstop.stores.sqlite.surrogates import SqliteSurrogates
from tests.stores.contract import SurrogateStoreContract

KEY, SCOPE = b"k" * 32, ("acme", "c1")


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=5))
def test_what_was_put_comes_back(values: dict[str, str]) -> None:
    vault = Vault(Clock(), 60)
    vault.put(SCOPE, {})
    vault.put(SCOPE, values)
    vault.put(SCOPE, {"more": "x"})
    assert vault.get(SCOPE) == values | {"more": "x"}
    assert vault.get(("other", "c1")) == {}


def test_a_restart_loses_nothing_under_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    first = Vault(Clock(), 60, store=SqliteSurrogates(path), key=KEY)
    first.put(SCOPE, {"s": "jane.doe@acme.com"})
    first.close()
    kept = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert b"jane" not in kept
    assert b"acme" not in kept
    assert path.stat().st_mode & 0o777 == 0o600
    assert Vault(Clock(), 60, store=SqliteSurrogates(path), key=KEY).get(SCOPE) == {
        "s": "jane.doe@acme.com"
    }
    assert Vault(Clock(), 60, store=SqliteSurrogates(path), key=b"o" * 32).get(SCOPE) == {}


def test_another_process_adds_and_erases(tmp_path: Path) -> None:
    path, clock = tmp_path / "vault.db", Clock()
    here = Vault(clock, 60, store=SqliteSurrogates(path), key=KEY)
    here.put(SCOPE, {"a": "1"})
    other = (
        "import sys\nfrom pathlib import Path\n"
        "from shortstop.privacy.replace.vault import Vault\n"
        "from shortstop.stores.sqlite.surrogates import SqliteSurrogates\n"
        "store = SqliteSurrogates(Path(sys.argv[1]))\n"
        f"v = Vault(lambda: {clock.now}, 60, store=store, key={KEY!r})\n"
        "v.put(('acme', 'c1'), {'b': '2'}) if sys.argv[2] == 'put' else v.erase(('acme', 'c1'))\n"
    )
    subprocess.run([sys.executable, "-c", other, str(path), "put"], check=True)
    assert here.get(SCOPE) == {"a": "1", "b": "2"}
    subprocess.run([sys.executable, "-c", other, str(path), "erase"], check=True)
    assert here.get(SCOPE) == {}


def test_erased_leaves_no_trace_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    vault = Vault(Clock(), 60, store=SqliteSurrogates(path), key=KEY)
    vault.put(SCOPE, {"s": "value"})
    with closing(sqlite3.connect(path)) as db:
        ((wrapped, sealed),) = db.execute("SELECT key, sealed FROM drawer").fetchall()
    assert wrapped in path.read_bytes()
    assert vault.erase(SCOPE)
    assert not vault.erase(SCOPE)
    kept = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert wrapped not in kept
    assert sealed not in kept


def test_time_ends_a_conversation_and_room_is_bounded() -> None:
    clock = Clock()
    vault = Vault(clock, 60, most=2)
    for n in range(3):
        clock.now += 1
        vault.put(("t", str(n)), {"s": "v"})
    assert [bool(vault.get(("t", str(n)))) for n in range(3)] == [False, True, True]
    clock.now += 60
    assert vault.get(("t", "2")) == {}


def test_an_altered_drawer_tells_nothing(tmp_path: Path) -> None:
    vault = Vault(Clock(), 60, store=SqliteSurrogates(tmp_path / "v.db"), key=KEY)
    vault.put(SCOPE, {"s": "v"})
    vault.put(("acme", "c2"), {"s": "w"})
    with closing(sqlite3.connect(tmp_path / "v.db")) as db, db:
        rows = db.execute("SELECT scope, key, sealed FROM drawer").fetchall()
        db.execute("UPDATE drawer SET key = ?, sealed = ?", rows[0][1:])
    assert [bool(vault.get(("acme", c))) for c in ("c1", "c2")].count(True) == 1


class TestMemory(SurrogateStoreContract):
    """What a gateway without a key and without workers uses keeps the same contract."""

    @pytest.fixture
    def store(self) -> SurrogateStore:
        return MemorySurrogates()


def test_a_closed_memory_has_forgotten_everything() -> None:
    vault = Vault(Clock(), 60)
    vault.put(SCOPE, {"s": "v"})
    vault.close()
    assert vault.get(SCOPE) == {}


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    vault = Vault(Clock(), 60, store=SqliteSurrogates(tmp_path / "v.db"), key=KEY)
    vault.close()
    with pytest.raises(Exception, match="closed"):
        vault.put(SCOPE, {"s": "v"})
