"""Budgets on several levels: no level overshot, no settlement lost, whoever resets or dies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import StoreError
from shortstop.ports.stores import AccountStore, Stores
from shortstop.types.accounts import BudgetLevel, ChangedGroup, PurseWindow
from tests.stores.contract.world import AT, MANY, SPAWN, in_threads, serial

NOVEMBER = PurseWindow("2026-11-01", "2026-10-31", "2026-12-02")
TODAY = PurseWindow("2026-11-27", "2026-11-26", "2026-12-02")
DECEMBER = PurseWindow("2026-12-01", "2026-11-30", "2026-12-02")


def level(purse: str, budget: int) -> BudgetLevel:
    return BudgetLevel(purse, budget, PurseWindow.exactly("w"))


def renamed(
    name: str, record: str, before: PurseWindow, after: PurseWindow
) -> Callable[[str], ChangedGroup]:
    return lambda _: ChangedGroup(name, record, before, after)


def same(purse: str) -> None:
    """Names no window of its own for any purse."""


def balances(store: AccountStore, purses: Sequence[str]) -> list[tuple[int, int]]:
    return [store.balance(purse, "w") for purse in purses]


PRICE = 10
BUDGETS = {"k0": 1500, "k1": 1500, "k2": 1500, "t0": 1700, "t1": 1700, "o": 3000}
"""Of keys, teams and their organisation: key n is in team n % 2."""


def _levels(number: int) -> list[BudgetLevel]:
    return [level(name, BUDGETS[name]) for name in (f"k{number}", f"t{number % 2}", "o")]


def _spend_until_killed(stores: Stores, log: str, number: int) -> None:
    """Spend for real between setting aside and settling, and write it down."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    store = stores.accounts()
    for i in count():
        id = f"{os.getpid()}-{i}"
        if store.hold_levels(id, _levels(number), PRICE, AT) is None:
            os.write(file, b"%d %d\n" % (number, PRICE))
            store.settle(id, "w", PRICE, same)


class BudgetLevelContract:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[AccountStore]:
        with closing(stores.accounts()) as store:
            yield store

    # groups

    def test_groups_are_added_renamed_and_listed(self, stores: Stores, store: AccountStore) -> None:
        store.add_group("o", "", "acme", "an organisation")
        store.add_group("t", "o", "acme", "a team")
        store.change_group("t", renamed("sales", "renamed", NOVEMBER, NOVEMBER))
        store.change_group("none", renamed("x", "nothing", NOVEMBER, NOVEMBER))
        with closing(stores.accounts()) as other:
            assert sorted(other.groups()) == ["an organisation", "renamed"]

    def test_a_change_of_a_group_sees_what_was_written_before(self, store: AccountStore) -> None:
        store.add_group("t", "o", "sales", "0")

        def count(number: int) -> None:
            for _ in range(20):
                store.change_group(
                    "t", lambda was: ChangedGroup("sales", str(int(was) + 1), NOVEMBER, NOVEMBER)
                )

        in_threads(count)
        assert store.groups() == ["80"]

    def test_a_name_is_taken_once_below_its_parent(self, store: AccountStore) -> None:
        store.add_group("o", "", "acme", "1")
        store.add_group("t", "o", "sales", "2")
        store.add_group("u", "o", "support", "3")
        for id, parent, name in (("o", "", "new"), ("x", "", "acme"), ("x", "o", "sales")):
            with pytest.raises(StoreError):
                store.add_group(id, parent, name, "4")
        with pytest.raises(StoreError):
            store.change_group("u", renamed("sales", "5", NOVEMBER, NOVEMBER))
        store.add_group("x", "another", "sales", "6")
        assert sorted(store.groups()) == ["1", "2", "3", "6"]

    def test_a_request_is_set_aside_on_every_level_or_on_none(self, store: AccountStore) -> None:
        levels = [level("k", 50), level("t", 90), level("o", 70)]
        assert store.hold_levels("a", levels, 40, AT) is None
        assert balances(store, "kto") == [(0, 40)] * 3
        assert store.hold_levels("b", levels, 20, AT) == "k"
        assert store.hold_levels("b", [level("l", 50), *levels[1:]], 40, AT) == "o"
        assert store.hold_levels("b", [level("l", 30), *levels[1:]], 40, AT) == "l"
        assert balances(store, "klto") == [(0, 40), (0, 0), (0, 40), (0, 40)]
        store.settle("a", "w", 25, same)
        store.settle("a", "w", 25, same)
        store.settle("b", "w", 25, same)
        assert balances(store, "klto") == [(25, 0), (0, 0), (25, 0), (25, 0)]
        assert store.hold_levels("c", levels[1:], 45, AT) is None, "a key without a budget"
        store.settle("c", "w", None, same)
        assert balances(store, "kto") == [(25, 0), (70, 0), (70, 0)]

    def test_each_level_has_its_own_window(self, store: AccountStore) -> None:
        windows = {"t": DECEMBER}
        levels = [level("k", 50), BudgetLevel("t", 50, NOVEMBER)]
        for id, cost in (("a", 30), ("b", None)):
            assert store.hold_levels(id, levels, 20, AT) is None
            store.settle(id, "w", cost, lambda purse: NOVEMBER if purse == "t" else None)
        assert store.hold_levels("c", levels, 1, AT) == "k"
        assert store.balance("t", NOVEMBER) == (50, 0)
        assert store.hold_levels("c", [BudgetLevel("t", 50, DECEMBER)], 50, AT) is None
        store.settle("c", "w", 8, windows.get)
        assert (store.balance("t", DECEMBER), store.balance("k", "w")) == ((8, 0), (50, 0))

    def test_a_window_that_was_begun_is_not_begun_again_by_who_is_behind(
        self, store: AccountStore
    ) -> None:
        """By a slow clock, or by an earlier version of what is wanted."""
        behind = [BudgetLevel("t", 50, NOVEMBER)]
        ahead = [BudgetLevel("t", 50, DECEMBER)]
        assert store.hold_levels("a", behind, 50, AT) is None
        store.settle("a", "w", 50, lambda purse: NOVEMBER)
        assert store.hold_levels("b", ahead, 40, AT) is None
        store.settle("b", "w", 40, lambda purse: NOVEMBER)
        assert store.hold_levels("c", behind, 11, AT) == "t"
        assert store.hold_levels("c", ahead, 11, AT) == "t"
        assert store.balance("t", NOVEMBER) == store.balance("t", DECEMBER) == (40, 0)
        assert store.balance("t", PurseWindow("2026-10", "2026-10", "2026-11-15")) == (0, 0)

    def test_what_was_spent_goes_on_counting_in_a_groups_new_window(
        self, store: AccountStore
    ) -> None:
        store.add_group("t", "o", "sales", "{}")
        assert store.hold_levels("a", [BudgetLevel("t", 99, NOVEMBER)], 30, AT) is None
        store.settle("a", "w", 20, lambda purse: NOVEMBER)
        assert store.hold_levels("b", [BudgetLevel("t", 99, NOVEMBER)], 30, AT) is None
        store.change_group("t", renamed("sales", "{}", NOVEMBER, TODAY))
        assert store.balance("t", TODAY) == store.balance("t", NOVEMBER) == (20, 30)
        store.change_group("t", renamed("sales", "{}", TODAY, NOVEMBER))
        assert store.balance("t", TODAY) == store.balance("t", NOVEMBER) == (20, 30)
        assert store.balance("t", DECEMBER) == (0, 30)

    @MANY
    @given(
        steps=st.lists(
            st.tuples(
                st.integers(0, 5),
                st.sets(st.sampled_from("kto"), min_size=1),
                st.integers(0, 60),
                st.none() | st.integers(0, 60),
                st.sampled_from([0, 0, 0, 1]),
            ),
            max_size=30,
        )
    )
    def test_levels_agree_with_a_model_through_resets(
        self, store: AccountStore, steps: list[tuple[int, set[str], int, int | None, int]]
    ) -> None:
        """A request that is not held is held, one that is held is settled or released; now and then
        the window of the team begins anew. Nothing overshoots, no settlement is lost."""
        number = serial()
        budgets = {f"k{number}": 100, f"t{number}": 80, f"o{number}": 120}
        held: dict[int, tuple[int, list[str]]] = {}
        spent = dict.fromkeys(budgets, 0)
        month = 0

        def window(purse: str) -> PurseWindow:
            name = f"{month:04}" if purse[0] == "t" else "w"
            return PurseWindow.exactly(name)

        for request, chosen, amount, cost, later in steps:
            month += later
            if later:
                spent[f"t{number}"] = 0
            id = f"{number}-{request}"
            above = {purse: sum(a for a, on in held.values() if purse in on) for purse in budgets}
            if request in held:
                reserved, on = held.pop(request)
                paid = reserved if cost is None else min(cost, reserved)
                store.settle(id, "w", None if cost is None else paid, window)
                for purse in on:
                    spent[purse] += paid
            else:
                on = [purse for purse in budgets if purse[0] in chosen]
                full = [p for p in on if spent[p] + above[p] + amount > budgets[p]]
                levels = [BudgetLevel(p, budgets[p], window(p)) for p in on]
                assert store.hold_levels(id, levels, amount, AT) == (full[0] if full else None)
                if not full:
                    held[request] = (amount, on)
            for purse in budgets:
                set_aside = sum(a for a, on in held.values() if purse in on)
                assert store.balance(purse, window(purse)) == (spent[purse], set_aside)
                assert spent[purse] + set_aside <= budgets[purse]

    def test_threads_do_not_overshoot_any_level(self, store: AccountStore) -> None:
        def ask(number: int) -> None:
            levels = [level(f"k{number}", 200), level(f"t{number % 2}", 300), level("o", 450)]
            for i in range(40):
                id = f"{number}-{i}"
                if store.hold_levels(id, levels, 10, AT) is None:
                    store.settle(id, "w", 10, same)

        in_threads(ask)
        assert store.balance("o", "w") == (450, 0)
        teams = balances(store, ["t0", "t1"])
        assert sum(spent for spent, _ in teams) == 450
        assert max(spent for spent, _ in teams) <= 300

    def test_what_is_given_up_counts_on_every_level(self, store: AccountStore) -> None:
        levels = [level("k", 50), level("t", 90), level("o", 70)]
        assert store.hold_levels("a", levels, 40, AT) is None
        assert store.hold_levels("b", levels[1:], 20, AT + 9) is None
        assert store.recover(AT + 1) == 1, "one request, of three levels"
        assert balances(store, "kto") == [(40, 0), (40, 20), (40, 20)]
        assert store.recover(AT + 10) == 1
        assert balances(store, "kto") == [(40, 0), (60, 0), (60, 0)]

    @pytest.mark.slow
    def test_no_level_is_overshot_by_processes_whoever_is_killed(
        self, stores: Stores, store: AccountStore, tmp_path: Path
    ) -> None:
        log = tmp_path / "spent"
        log.touch()

        def begun(number: int) -> SpawnProcess:
            process = SPAWN.Process(target=_spend_until_killed, args=(stores, str(log), number))
            process.start()
            return process

        def spent() -> dict[str, int]:
            """What was really spent, on each level."""
            lines = [line.split() for line in log.read_text().splitlines() if line.endswith("0")]
            sums = dict.fromkeys(BUDGETS, 0)
            for number, price in lines:
                for one in _levels(int(number)):
                    sums[one.purse] += int(price)
            return sums

        processes = [begun(number) for number in range(3)]
        for number, goal in enumerate((300, 900, 1500)):
            while spent()["o"] < goal:
                time.sleep(0.002)
            processes[number].kill()
            processes[number].join()
            processes[number] = begun(number)
        while sum(store.balance("o", "w")) <= BUDGETS["o"] - PRICE:
            time.sleep(0.01)
        for process in processes:
            process.kill()
            process.join()
        really = spent()
        for purse, budget in BUDGETS.items():
            booked, held = store.balance(purse, "w")
            assert booked + held <= budget, purse
            assert booked <= really[purse] <= booked + held, purse
        balance = {purse: store.balance(purse, "w") for purse in BUDGETS}
        for above, below in (("o", ("t0", "t1")), ("t0", ("k0", "k2")), ("t1", ("k1",))):
            sums = tuple(map(sum, zip(*(balance[one] for one in below), strict=True)))
            assert balance[above] == sums, "a request is on all of its levels or on none"
