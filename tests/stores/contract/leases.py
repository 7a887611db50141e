"""Slices of budgets and limits: what is leased and spent stays within them, and counts once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.ports.leases import LeaseStore
from shortstop.ports.stores import AccountStore, Stores
from shortstop.types.accounts import BudgetLevel
from shortstop.types.leases import (
    Leased,
    LeaseOrder,
    MeterChange,
    MeterOrder,
    PurseOrder,
    SharedMeter,
)
from tests.stores.contract.levels import DECEMBER, NOVEMBER, level
from tests.stores.contract.world import AT, MANY, in_threads, serial

HUNDRED = level("k", 100)


def to(amount: int) -> Callable[[int], int]:
    """As large as that, as far as there is room."""
    return lambda room: max(0, min(amount, room))


def leases_of(store: AccountStore) -> LeaseStore:
    assert store.leases is not None
    return store.leases


class LeaseContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[AccountStore]:
        with closing(stores.accounts()) as store:
            yield store

    def purse(
        self,
        store: AccountStore,
        order: LeaseOrder,
        amount: int,
        of: BudgetLevel = HUNDRED,
    ) -> Leased:
        answers, _ = leases_of(store).exchange([PurseOrder(order, of, to(amount))], [], AT)
        return answers[0]

    def meter(
        self, store: AccountStore, order: LeaseOrder, change: Callable[[SharedMeter, int], int]
    ) -> tuple[Leased, SharedMeter, int]:
        """Each unit is a second, and all that are counted or leased are in the arrival."""
        seen: list[tuple[SharedMeter, int]] = []

        def changed(state: SharedMeter, spent: int) -> MeterChange:
            seen.append((state, spent))
            mine = change(state, spent)
            used = 0.0 if state.arrival is None else state.arrival - state.mine - state.others
            return MeterChange(used + spent + mine + state.others, mine, 7)

        _, answers = leases_of(store).exchange(
            [], [MeterOrder(order, "k", "requests", changed)], AT
        )
        return answers[0], *seen[-1]

    # budgets

    def test_what_is_leased_is_set_aside_for_everybody(
        self, stores: Stores, store: AccountStore
    ) -> None:
        assert self.purse(store, LeaseOrder("", "a", (), 0), 60) == Leased("a", 60, 40)
        with closing(stores.accounts()) as other:
            assert self.purse(other, LeaseOrder("", "b", (), 0), 60) == Leased("b", 40, 0)
            assert not other.hold("r", "k", "w", 1, 100, AT), "one who knows no leases"
        assert self.purse(store, LeaseOrder("a", "c", (), 25), 20) == Leased("c", 20, 15)
        assert store.hold("r", "k", "w", 15, 100, AT)
        assert store.balance("k", "w") == (25, 75)

    def test_what_goes_back_is_there_for_others(self, store: AccountStore) -> None:
        self.purse(store, LeaseOrder("", "a", (), 0), 60)
        assert self.purse(store, LeaseOrder("a", "b", (), 25), 0) == Leased("", 0, 75)
        assert store.balance("k", "w") == (25, 0)
        assert self.purse(store, LeaseOrder("", "c", (), 0), 75) == Leased("c", 75, 0)

    @pytest.mark.parametrize("carried_out", [(), (1,), (2,), (1, 2)])
    def test_an_order_whose_answer_was_lost_counts_once(
        self, store: AccountStore, carried_out: Sequence[int]
    ) -> None:
        """Whether it was carried out or not, and however often that happens."""
        self.purse(store, LeaseOrder("", "0", (), 0), 60)
        tried: tuple[tuple[str, int], ...] = ()
        for number, spent in ((1, 10), (2, 25)):
            if number in carried_out:
                self.purse(store, LeaseOrder("0", str(number), tried, spent), 50)
            tried = (*tried, (str(number), spent))
        answer = self.purse(store, LeaseOrder("0", "3", tried, 31), 20)
        assert answer == Leased("3", 20, 49)
        assert store.balance("k", "w") == (31, 20)

    def test_a_slice_that_was_given_up_is_spent_and_not_counted_again(
        self, store: AccountStore
    ) -> None:
        self.purse(store, LeaseOrder("", "a", (), 0), 60)
        assert store.recover(AT + 1) == 1
        assert self.purse(store, LeaseOrder("a", "b", (), 25), 20).lost
        assert store.balance("k", "w") == (60, 0)
        assert self.purse(store, LeaseOrder("", "c", (), 0), 50) == Leased("c", 40, 0)

    def test_a_budget_that_was_lowered_takes_nothing_back_but_gives_no_more(
        self, store: AccountStore
    ) -> None:
        self.purse(store, LeaseOrder("", "a", (), 0), 60)
        rooms: list[int] = []

        def kept(room: int) -> int:
            rooms.append(room)
            return 50

        order = PurseOrder(LeaseOrder("a", "b", (), 10), level("k", 30), kept)
        assert leases_of(store).exchange([order], [], AT)[0] == [Leased("b", 50, 0)]
        assert rooms == [20]
        assert store.balance("k", "w") == (10, 50)

    def test_many_slices_are_exchanged_at_once(self, store: AccountStore) -> None:
        names = [f"p{n}" for n in range(20)]
        orders = [
            PurseOrder(LeaseOrder("", f"l{name}", (), 0), level(name, 100), to(n))
            for n, name in enumerate(names)
        ]
        answers, _ = leases_of(store).exchange(orders, [], AT)
        assert [answer.amount for answer in answers] == list(range(20))
        assert [store.balance(name, "w")[1] for name in names] == list(range(20))

    def test_a_window_that_was_begun_is_not_begun_again(self, store: AccountStore) -> None:
        behind, ahead = BudgetLevel("t", 50, NOVEMBER), BudgetLevel("t", 50, DECEMBER)
        self.purse(store, LeaseOrder("", "a", (), 0), 30, behind)
        self.purse(store, LeaseOrder("a", "b", (), 20), 10, behind)
        assert self.purse(store, LeaseOrder("", "c", (), 0), 50, ahead) == Leased("c", 40, 0)
        assert self.purse(store, LeaseOrder("c", "d", (), 35), 5, ahead).amount == 5
        assert self.purse(store, LeaseOrder("b", "e", (), 4), 50, behind) == Leased("e", 6, 0)
        assert store.balance("t", NOVEMBER) == store.balance("t", DECEMBER) == (39, 11)

    @MANY
    @given(
        steps=st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(0, 60)), max_size=20
        )
    )
    def test_balances_agree_with_a_model(
        self, store: AccountStore, steps: list[tuple[int, int, int]]
    ) -> None:
        """Three processes spend some of what they have leased, and lease anew."""
        key, spent = f"k{serial()}", 0
        had = [Leased("", 0, 0)] * 3
        for number, (who, use, want) in enumerate(steps):
            used = min(use, had[who].amount)
            spent += used
            others = sum(one.amount for i, one in enumerate(had) if i != who)
            order = LeaseOrder(had[who].lease, f"{key}-{number}", (), used)
            had[who] = self.purse(store, order, want, level(key, 100))
            assert had[who].amount == min(want, 100 - spent - others)
            assert store.balance(key, "w") == (spent, others + had[who].amount)

    def test_threads_do_not_overshoot_a_budget(self, store: AccountStore) -> None:
        def spend(number: int) -> None:
            lease, amount = "", 0
            for i in range(40):
                order = LeaseOrder(lease, f"{number}-{i}", (), amount)
                lease, amount, _, _ = self.purse(store, order, 10, level("k", 500))

        in_threads(spend, 3)
        spent, held = store.balance("k", "w")
        assert spent + held == 500

    # limits

    def test_meters_know_what_others_have_leased(self, store: AccountStore) -> None:
        answer, state, spent = self.meter(store, LeaseOrder("", "a", (), 0), lambda *_: 5)
        assert (answer, spent) == (Leased("a", 5, 7), 0)
        assert (state.arrival, state.mine, state.others, state.lapsed) == (None, 0, 0, 0)
        _, state, _ = self.meter(store, LeaseOrder("", "b", (), 0), lambda *_: 3)
        assert (state.arrival, state.mine, state.others) == (5.0, 0, 5)
        answer, state, spent = self.meter(store, LeaseOrder("a", "c", (), 2), lambda *_: 0)
        assert (state.arrival, state.mine, state.others, spent) == (8.0, 5, 3, 2)
        assert answer == Leased("", 0, 7)
        seen: list[float] = []
        store.meter("k", lambda meters: seen.append(meters["requests"]) or {})  # type: ignore[func-returns-value]
        assert seen == [5.0], "one who knows no leases sees what is used and what is leased"

    def test_units_are_counted_once_too(self, store: AccountStore) -> None:
        self.meter(store, LeaseOrder("", "a", (), 0), lambda *_: 5)
        self.meter(store, LeaseOrder("a", "b", (), 2), lambda *_: 4)
        _, state, spent = self.meter(store, LeaseOrder("a", "c", (("b", 2),), 3), lambda *_: 0)
        assert (state.mine, spent) == (4, 1)
