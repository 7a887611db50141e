"""What conversations held is still known after a restart, and to every process."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from shortstop.errors import StoreError
from shortstop.privacy.taint import Taint
from shortstop.stores.sqlite.taints import SqliteTaints
from shortstop.types import Tier
from tests.conftest import FakeClock

DAY = 86_400.0


def test_a_tier_never_goes_down_and_outlives_the_process(tmp_path: Path, clock: FakeClock) -> None:
    one = SqliteTaints(tmp_path / "t.db", clock, 100, DAY)
    one.keep("acme", "c", Tier.S3)
    one.keep("acme", "c", Tier.S1)
    one.close()
    two = SqliteTaints(tmp_path / "t.db", clock, 100, DAY)
    assert two.find("acme", "c") == Tier.S3
    assert two.find("rival", "c") == Tier.S0
    two.close()


def test_old_rows_go_and_the_newest_are_loaded(tmp_path: Path, clock: FakeClock) -> None:
    store = SqliteTaints(tmp_path / "t.db", clock, 100, DAY)
    for name in ("a", "b", "c"):
        store.keep("t", name, Tier.S2)
        clock.advance(50)
    assert [row[1] for row in store.newest(2)] == ["b", "c"]
    store.close()
    again = SqliteTaints(tmp_path / "t.db", clock, 100, DAY)
    assert [row[1] for row in again.newest(9)] == ["b", "c"]
    again.close()


@pytest.mark.parametrize("shared", [False, True])
def test_what_fell_out_of_memory_or_others_saw_is_known(
    tmp_path: Path, clock: FakeClock, shared: bool
) -> None:
    store = SqliteTaints(tmp_path / "t.db", clock, 100, DAY)
    taint = Taint(2, store, shared=shared)
    for name in ("a", "b", "c"):
        taint.see("t", name, Tier.S2)
    assert [taint.tier("t", name) for name in "abcd"] == [Tier.S2] * 3 + [Tier.S0]
    other = Taint(2, store, shared=True)
    assert other.tier("t", "a") == Tier.S2
    other.see("t", "a", Tier.S3)
    assert taint.tier("t", "a") == Tier.S3
    store.close()


def test_more_conversations_than_memory_holds_are_known_after_a_restart(
    tmp_path: Path, clock: FakeClock
) -> None:
    store = SqliteTaints(tmp_path / "t.db", clock, 100, DAY)
    for name in ("a", "b", "c"):
        store.keep("t", name, Tier.S3)
        clock.advance(1)
    restarted = Taint(2, store)
    assert [restarted.tier("t", name) for name in "abcd"] == [Tier.S3] * 3 + [Tier.S0]
    store.close()


def test_a_store_that_cannot_be_used_says_so(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "t.db").write_bytes(b"not a database, but long enough to be taken for one" * 50)
    with pytest.raises(StoreError):
        SqliteTaints(tmp_path / "t.db", clock, 100, DAY)
    with pytest.raises(sqlite3.Error):
        sqlite3.connect(tmp_path / "t.db").execute("SELECT 1 FROM taints")


def test_a_dialogue_known_by_its_first_words_is_remembered_for_a_while(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Half of all dialogues begin with "hi": one secret must not pin them all for months."""
    store = SqliteTaints(tmp_path / "t.db", clock, kept_s=1000, unnamed_ttl_s=10)
    taint = Taint(store=store, unnamed_ttl_s=10, clock=clock.time)
    for name in ("~hi", "named"):
        taint.see("t", name, Tier.S3)
    assert [taint.tier("t", name) for name in ("~hi", "named")] == [Tier.S3, Tier.S3]
    clock.advance(11)
    assert [taint.tier("t", name) for name in ("~hi", "named")] == [Tier.S0, Tier.S3]
    assert [store.find("t", name) for name in ("~hi", "named")] == [Tier.S0, Tier.S3]
    assert store.newest(9) == [("t", "named", Tier.S3)]
    taint.see("t", "~hi", Tier.S2)
    assert taint.tier("t", "~hi") == Tier.S2
    store.close()
