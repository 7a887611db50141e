"""What machines remember of conversations follows what they keep together."""

from __future__ import annotations

import pytest

from shortstop.errors import StoreUnavailable
from shortstop.privacy.shared_taint import FRESH_SECONDS, SharedTaint
from shortstop.types import Tier
from shortstop.types.rows import TaintRise
from tests.privacy.taint_database import Database, Time


@pytest.fixture
def database() -> Database:
    return Database()


def test_a_tier_waits_for_the_store_once(database: Database) -> None:
    taint = SharedTaint(database, database)
    taint.note("t", "c", Tier.S2)
    taint.note("t", "c", Tier.S1)
    assert taint.memory.remembered("t", "c") == Tier.S2
    assert taint.unkept("t", "c")
    taint.keep("t", "c", Tier.S1)
    assert taint.unkept("t", "c"), "a lower one is not what waits"
    taint.catch_up()
    assert not taint.unkept("t", "c")
    assert database.rows == {("t", "c"): Tier.S2}


def test_a_server_that_took_over_and_gives_numbers_again_is_read_again(
    database: Database,
) -> None:
    taint, before = SharedTaint(database, database), Database()
    for number in range(3):
        database.keep("t", f"lost-{number}", Tier.S2)
    taint.follow()
    database.away = True
    with pytest.raises(StoreUnavailable):
        taint.follow()
    database.away, database.rows, database.numbers = False, before.rows, before.numbers
    database.keep("t", "after", Tier.S3)
    taint.follow()
    database.keep("t", "later", Tier.S3)
    taint.follow()
    held = [taint.memory.remembered("t", name) for name in ("lost-1", "after", "later")]
    assert held == [Tier.S2, Tier.S3, Tier.S3]


def test_memory_is_as_new_as_the_moment_at_which_the_store_was_asked(database: Database) -> None:
    time = Time()

    class Slow(Database):
        def after(self, number: int, most: int) -> list[TaintRise]:
            time.now += 3
            return database.after(number, most)

    taint = SharedTaint(Slow(), Slow(), monotonic=time)
    time.now += 10
    asked = time.now
    database.keep("t", "c", Tier.S2)
    taint.follow()
    assert taint.asked_at == asked
    assert taint.memory.remembered("t", "c") == Tier.S2


def test_more_rises_than_a_page_holds_are_all_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortstop.privacy.shared_taint.PAGE", 2)
    taint = SharedTaint(database, database)
    for number in range(5):
        database.keep("t", f"c-{number}", Tier.S3)
    taint.follow()
    assert {taint.memory.remembered("t", f"c-{i}") for i in range(5)} == {Tier.S3}


def test_only_what_was_kept_just_now_has_to_settle(database: Database) -> None:
    time = Time()
    taint = SharedTaint(database, database, monotonic=time)
    taint.keep("t", "one", Tier.S2)
    time.now += FRESH_SECONDS + 0.1
    taint.keep("t", "two", Tier.S2)
    assert taint.settles_in("t", "one") <= 0 < taint.settles_in("t", "two")
    assert taint.settles_in("t", "three") == 0
