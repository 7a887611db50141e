"""Taints: a tier never goes down, and everybody sees it at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StoreError
from shortstop.ports.stores import (
    Stores,
    TaintStore,
)
from shortstop.types import UNNAMED, Tier
from tests.conftest import FakeClock
from tests.stores.contract.world import AT, DAY, MANY, in_processes, in_threads, serial


def _raise_tiers(stores: Stores, number: int) -> None:
    with closing(stores.taints(FakeClock(AT), DAY, DAY)) as store:
        for i in range(20):
            store.keep("t", f"c{i % 5}", Tier((i + number) % 4))


class TaintStoreContract:
    @pytest.fixture
    def store(self, stores: Stores, clock: FakeClock) -> Iterator[TaintStore]:
        with closing(stores.taints(clock, 100, 10)) as store:
            yield store

    @MANY
    @given(
        kept=st.lists(
            st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from(Tier)),
            max_size=15,
        )
    )
    def test_a_tier_never_goes_down(
        self, store: TaintStore, kept: Sequence[tuple[str, str, Tier]]
    ) -> None:
        prefix = f"t{serial()}"
        highest: dict[tuple[str, str], Tier] = {}
        for tenant, conversation, tier in kept:
            store.keep(prefix + tenant, conversation, tier)
            before = highest.get((tenant, conversation), Tier.S0)
            highest[tenant, conversation] = max(before, tier)
            assert store.find(prefix + tenant, conversation) == max(before, tier)
        for tenant in "ab":
            for conversation in "xy":
                expected = highest.get((tenant, conversation), Tier.S0)
                assert store.find(prefix + tenant, conversation) == expected

    def test_others_see_it_at_once(
        self, stores: Stores, store: TaintStore, clock: FakeClock
    ) -> None:
        with closing(stores.taints(clock, 100, 10)) as other:
            other.keep("t", "c", Tier.S2)
            assert store.find("t", "c") == Tier.S2
            store.keep("t", "c", Tier.S3)
            other.keep("t", "c", Tier.S1)
            assert store.find("t", "c") == Tier.S3

    @pytest.mark.slow
    def test_no_rise_is_lost_between_processes(self, stores: Stores) -> None:
        in_processes(_raise_tiers, stores)
        with closing(stores.taints(FakeClock(AT), DAY, DAY)) as store:
            assert {store.find("t", f"c{i}") for i in range(5)} == {Tier.S3}

    def test_no_rise_is_lost_between_threads(self, store: TaintStore) -> None:
        def keep(number: int) -> None:
            for i in range(50):
                store.keep("t", f"c{i % 5}", Tier(number))

        in_threads(keep)
        assert {store.find("t", f"c{i}") for i in range(5)} == {Tier.S3}

    def test_the_newest_come_last_and_no_more_than_asked(
        self, store: TaintStore, clock: FakeClock
    ) -> None:
        for name in "abc":
            store.keep("t", name, Tier.S2)
            clock.advance(1)
        store.keep("t", "a", Tier.S1)
        assert store.newest(2) == [("t", "c", Tier.S2), ("t", "a", Tier.S2)]
        assert len(store.newest(9)) == 3

    def test_a_dialogue_without_a_name_counts_for_a_while(
        self, store: TaintStore, clock: FakeClock
    ) -> None:
        store.keep("t", f"{UNNAMED}hi", Tier.S3)
        store.keep("t", "named", Tier.S3)
        clock.advance(11)
        assert store.find("t", f"{UNNAMED}hi") == Tier.S0
        assert store.find("t", "named") == Tier.S3
        assert store.newest(9) == [("t", "named", Tier.S3)]

    def test_what_is_too_old_is_gone_at_the_next_start(
        self, stores: Stores, store: TaintStore, clock: FakeClock
    ) -> None:
        store.keep("t", "old", Tier.S3)
        clock.advance(101)
        store.keep("t", "new", Tier.S2)
        with closing(stores.taints(clock, 100, 10)) as again:
            assert [row.conversation for row in again.newest(9)] == ["new"]

    def test_a_closed_store_says_so(self, store: TaintStore) -> None:
        store.close()
        for call in (lambda: store.find("t", "c"), lambda: store.keep("t", "c", Tier.S1)):
            with pytest.raises(StoreError):
                call()


class TaintRisesContract:
    """For stores that several machines follow."""

    def test_only_what_rises_is_told_once_in_its_order(
        self, store: TaintStore, clock: FakeClock
    ) -> None:
        rises = store.rises
        assert rises is not None
        before = rises.last()
        for name, tier in (("a", Tier.S2), ("b", Tier.S1), ("a", Tier.S1), ("b", Tier.S3)):
            store.keep("t", name, tier)
        told = rises.after(before, 9)
        assert [rise.row for rise in told] == [("t", "a", Tier.S2), ("t", "b", Tier.S3)]
        assert [rise.row for rise in rises.after(before, 1)] == [("t", "a", Tier.S2)]
        assert rises.after(told[-1].number, 9) == []
        clock.advance(1)
        store.keep("t", "a", Tier.S2)
        assert rises.after(told[-1].number, 9) == [], "its time alone is no news"

    def test_who_follows_misses_nothing_that_is_kept_meanwhile(
        self, stores: Stores, store: TaintStore
    ) -> None:
        """Numbers are given in the order in which they can be seen, by whomever."""
        rises = store.rises
        assert rises is not None
        last, heard = rises.last(), set[str]()
        over = threading.Event()

        def follow() -> None:
            nonlocal last
            while not over.is_set():
                for number, row in rises.after(last, 7):
                    last = number
                    heard.add(row.conversation)

        def keep(number: int) -> None:
            with closing(stores.taints(FakeClock(AT), DAY, DAY)) as mine:
                for i in range(60):
                    mine.keep("t", f"{number}-{i}", Tier.S2)

        following = threading.Thread(target=follow)
        following.start()
        in_threads(keep)
        over.set()
        following.join()
        heard |= {row.conversation for _, row in rises.after(last, 1000)}
        assert {f"{n}-{i}" for n in range(4) for i in range(60)} <= heard
