"""Budgets and limits by leases: nothing overruns, whoever dies, and everything goes back."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortstop.accounts import Accounts, Key
from shortstop.accounts.keys import LONGEST_HOLD
from shortstop.accounts.slices import IDLE_SECONDS, REFRESH_SECONDS
from shortstop.accounts.teams import GroupChange
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.money import dollars
from tests.accounts.replicas import Replica, World
from tests.accounts.test_teams import found
from tests.conftest import FakeClock
from tests.postgres import PostgresServer

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")


# ---------------------------------------------------------------- budgets


def test_most_requests_ask_nobody(world: World) -> None:
    key, one = world.key(budget_usd=Decimal(100)), world.replica()
    for n in range(400):
        assert one.hold(f"r{n}", key, "0.01") is None
        one.settle(f"r{n}", key, "0.008")
        world.clock.advance(0.01)
        if one.flaky.calls < 2:
            one.turn()
    assert one.flaky.calls <= 8
    assert one.accounts.balance(key).spent == Decimal("3.2"), "also what only this process knows"
    assert one.accounts.balance(key).held == 0
    one.close()
    assert world.purse(key.id) == (Decimal("3.2"), 0)


def test_a_slice_is_a_small_part_of_what_is_left(world: World) -> None:
    key, one = world.key(budget_usd=Decimal(1)), world.replica()
    assert one.hold("r1", key, "0.4") is None
    assert world.purse(key.id)[1] == Decimal("0.43"), "what it needs, and 5 % of the rest"


def test_the_last_cent_can_be_spent_by_whoever_asks(world: World) -> None:
    """Near its end a budget is leased by single requests, so nobody sits on what others need."""
    key = world.key(budget_usd=Decimal(1))
    replicas = [world.replica() for _ in range(3)]
    served = 0
    for n in range(110):
        world.clock.advance(0.3)
        one = replicas[n % 3]
        if one.hold(f"r{n}", key, "0.01") is None:
            one.settle(f"r{n}", key, "0.01")
            served += 1
        for each in replicas:
            each.turn()
    assert served == 100
    assert world.purse(key.id)[0] == 1


def test_what_an_idle_replica_has_goes_back_within_seconds(world: World) -> None:
    key = world.key(budget_usd=Decimal(1))
    one, other = world.replica(), world.replica()
    assert one.hold("r1", key, "0.5") is None
    one.settle("r1", key, "0.1")
    assert other.hold("r2", key, "0.9") == key.id, "it is leased"
    world.wait(IDLE_SECONDS + 0.1)
    assert world.purse(key.id) == (Decimal("0.1"), 0)
    assert other.hold("r3", key, "0.9") is None


def test_a_busy_replica_gives_back_what_others_need_more(world: World) -> None:
    key = world.key(budget_usd=Decimal(100))
    one, other = world.replica(), world.replica()
    for n in range(20):
        assert one.hold(f"a{n}", key, "0.5") is None
    for n in range(20):
        one.settle(f"a{n}", key, "0.01")
    assert other.hold("big", key, "80") is None
    assert other.hold("more", key, "10") == key.id
    for n in range(4):
        one.hold(f"b{n}", key, "0.001")
        one.settle(f"b{n}", key, "0.001")
        world.wait(REFRESH_SECONDS / 2)
    assert other.hold("again", key, "10") is None


def test_all_levels_must_have_room(world: World) -> None:
    acme, sales = found(world.replica().accounts, "10", "1")
    key = world.key(team="sales", budget_usd=Decimal(5))
    one = world.replica()
    assert one.hold("r1", key, "0.7") is None
    assert one.hold("r2", key, "0.7") == sales.id
    assert [world.purse(id)[1] >= Decimal("0.7") for id in (key.id, sales.id, acme.id)] == [
        True
    ] * 3
    one.settle("r1", key, "0.25")
    one.close()
    for id in (key.id, sales.id, acme.id):
        assert world.purse(id) == (Decimal("0.25"), 0)


def test_what_is_settled_for_a_key_that_moved_counts_where_it_began(world: World) -> None:
    acme, sales = found(world.replica().accounts, "10", "1")
    key, one = world.key(team="sales"), world.replica()
    assert one.hold("r1", key, "0.7") is None
    moved = one.accounts.move(key.id, None)
    one.settle("r1", moved, "0.25")
    one.close()
    assert world.purse(sales.id) == world.purse(acme.id) == (Decimal("0.25"), 0)


def test_a_budget_that_is_raised_is_there_at_once(world: World) -> None:
    one, other = world.replica(), world.replica()
    _, sales = found(other.accounts, "10", "1")
    key = world.key(team="sales")
    world.clock.advance(1.1)
    assert one.hold("r1", key, "2") == sales.id
    other.accounts.teams.change(sales.id, GroupChange(budget_usd="3"))
    world.clock.advance(1.1)
    assert one.hold("r2", key, "2") is None


def test_of_a_budget_that_is_lowered_only_what_is_leased_is_spent(world: World) -> None:
    one, other = world.replica(), world.replica()
    _, sales = found(other.accounts, "100", "10")
    key = world.key(team="sales")
    world.clock.advance(1.1)
    assert one.hold("r1", key, "1") is None
    leased = world.purse(sales.id)[1]
    other.accounts.teams.change(sales.id, GroupChange(budget_usd="0.5"))
    world.clock.advance(1.1)
    assert one.hold("r2", key, leased) == sales.id
    one.settle("r1", key, "0.25")
    assert other.hold("r3", key, "0.3") == sales.id
    world.wait(IDLE_SECONDS + 0.1)
    assert world.purse(sales.id) == (Decimal("0.25"), 0)
    assert other.hold("r4", key, "0.3") == sales.id
    assert other.hold("r5", key, "0.25") is None


def test_a_window_turns_at_midnight_of_its_place(world: World) -> None:
    """With clocks five seconds apart: whoever is behind does not begin it again."""
    berlin = ZoneInfo("Europe/Berlin")
    world.clock.now = datetime(2026, 11, 27, 23, 59, 50, tzinfo=berlin).timestamp()
    admin = world.replica()
    _, sales = found(admin.accounts, "100", "1", zone="Europe/Berlin", period="day")
    key = world.key(team="sales")
    behind, ahead = world.replica(), world.replica(ahead=5.0)
    for n in range(9):
        assert ahead.hold(f"a{n}", key, "0.1") is None
        ahead.settle(f"a{n}", key, "0.1")
    assert behind.hold("b1", key, "0.2") == sales.id
    world.wait(3.0)
    assert world.purse(sales.id) == (Decimal("0.9"), 0)
    world.wait(3.0)
    assert ahead.hold("a9", key, "0.7") is None, "its day has begun"
    assert behind.hold("b2", key, "0.4") == sales.id
    assert behind.hold("b3", key, "0.2") is None, "it counts in the day that has begun"
    world.wait(5.0)
    assert behind.hold("b4", key, "0.2") == sales.id
    ahead.settle("a9", key, "0.1")
    world.wait(1.0)
    assert behind.hold("b5", key, "0.6") is None


def test_a_key_s_own_day_is_not_begun_again_by_who_is_behind(world: World) -> None:
    world.clock.now = datetime(2026, 11, 27, 23, 59, 57, tzinfo=ZoneInfo("UTC")).timestamp()
    key = world.key(budget_usd=Decimal(1), period="day")
    behind, ahead = world.replica(), world.replica(ahead=5.0)
    granted = 0
    for n in range(3):
        for one in (ahead, behind):
            granted += one.hold(f"{n}-{id(one)}", key, "0.3") is None
            one.settle(f"{n}-{id(one)}", key, "0.3")
            one.close() if n == 2 else world.wait(0.3)
    assert granted == 3
    assert world.purse(key.id) == (Decimal("0.9"), 0)


def test_the_dead_s_slices_count_as_spent(world: World) -> None:
    key, one, other = world.key(budget_usd=Decimal(1)), world.replica(), world.replica()
    assert one.hold("r1", key, "0.5") is None
    one.settle("r1", key, "0.1")
    leased = world.purse(key.id)[1]
    world.crash(one)
    left = 1 - leased
    assert other.hold("r2", key, left + Decimal("0.0001")) == key.id
    assert world.purse(key.id) == (leased, 0), "who is refused looks for the dead"
    world.wait(1.0)
    assert other.hold("r3", key, left) is None


def test_a_slice_that_was_given_up_while_its_owner_slept_counts_once(world: World) -> None:
    key, one, other = world.key(budget_usd=Decimal(1)), world.replica(), world.replica()
    assert one.hold("r1", key, "0.4") is None
    assert one.hold("r2", key, "0.02") is None
    one.settle("r2", key, "0.01")
    leased = world.purse(key.id)[1]
    one.declared_dead(world.server, world.name)
    assert other.store.recover(0.0) == 1
    assert world.purse(key.id) == (leased, 0)
    one.settle("r1", key, "0.4")
    assert one.hold("r3", key, "0.3") is None
    one.settle("r3", key, "0.3")
    one.close()
    assert world.purse(key.id) == (leased + Decimal("0.3"), 0)


def test_what_no_request_can_wait_for_any_more_is_spent(world: World) -> None:
    key, one = world.key(budget_usd=Decimal(1)), world.replica()
    assert one.hold("r1", key, "0.4") is None
    for _ in range(int(LONGEST_HOLD / 700) + 1):
        world.wait(700)
        assert one.store.recover(world.clock.now - LONGEST_HOLD) == 0, "it is renewed"
    one.accounts.purse.expire()
    one.close()
    assert world.purse(key.id) == (Decimal("0.4"), 0)


@pytest.mark.parametrize("carried_out", [True, False])
def test_an_order_whose_answer_was_lost_counts_once(world: World, carried_out: bool) -> None:
    key, one = world.key(budget_usd=Decimal(1)), world.replica()
    assert one.hold("r1", key, "0.4") is None
    one.settle("r1", key, "0.1")
    one.flaky.fails = [carried_out]
    world.wait(IDLE_SECONDS + 0.1)
    assert one.flaky.fails == []
    one.close()
    assert world.purse(key.id) == (Decimal("0.1"), 0)


def test_settling_counts_once_and_what_was_never_held_not_at_all(world: World) -> None:
    key, one = world.key(budget_usd=Decimal(1)), world.replica()
    assert one.hold("r1", key, "0.4") is None
    for _ in range(3):
        one.settle("r1", key, None)
    one.settle("r2", key, "0.3")
    one.close()
    assert world.purse(key.id) == (Decimal("0.4"), 0)


# ---------------------------------------------------------------- while the database is away


def test_while_the_store_is_away_a_slice_is_used_up_and_no_more(world: World) -> None:
    key, one = world.key(budget_usd=Decimal(100)), world.replica()
    assert one.hold("r0", key, "1") is None
    one.flaky.away = True
    served, refused = 0, None
    while refused is None:
        world.clock.advance(0.1)
        one.turn()
        try:
            served += one.hold(f"r{served + 1}", key, "1") is None
        except StoreUnavailable as error:
            refused = error
    assert refused.code == "store_unreachable"
    assert 1 <= served <= 5
    assert sum(world.purse(key.id)) >= served + 1
    one.flaky.away = False
    world.wait(1.0)
    assert one.hold("again", key, "1") is None


@pytest.mark.parametrize(("pause", "cost"), [(0.1, "0.002"), (1.0, "0.02"), (5.0, "0.002")])
def test_a_minute_without_the_store_is_outlived_where_enough_is_left(
    world: World, pause: float, cost: str
) -> None:
    """What requests take at most is set aside, ten times and once what they cost; in the end
    everything is counted once."""
    key, one = world.key(budget_usd=Decimal(100)), world.replica()
    served = 0

    def asked(seconds: float) -> None:
        nonlocal served
        for _ in range(int(seconds / pause)):
            assert one.hold(f"r{served}", key, "0.02") is None
            one.settle(f"r{served}", key, cost)
            served += 1
            world.wait(pause)

    asked(30)
    one.flaky.away = True
    asked(60)
    assert sum(world.purse(key.id)) <= 10, "of a hundred"
    one.flaky.away = False
    asked(10)
    one.close()
    assert world.purse(key.id) == (served * Decimal(cost), 0)


@pytest.mark.parametrize("held", [-(10**12), 10**18])
def test_what_is_set_aside_is_what_is_leased_whatever_was_written_by_hand(
    world: World, held: int, caplog: pytest.LogCaptureFixture
) -> None:
    key, one = world.key(budget_usd=Decimal(1)), world.replica()
    assert one.hold("r1", key, "0.4") is None
    world.sql(f"UPDATE purses SET held = {held}")
    assert one.hold("r2", key, "0.7") == key.id
    assert one.hold("r3", key, "0.5") is None
    assert f"the budget {key.id}: " in caplog.text
    for id in ("r1", "r3"):
        one.settle(id, key, "0.1")
    one.close()
    assert world.purse(key.id) == (Decimal("0.2"), 0)


def test_a_slice_below_nothing_gives_nobody_more(world: World) -> None:
    key, one, other = world.key(budget_usd=Decimal(1)), world.replica(), world.replica()
    assert one.hold("r1", key, "0.4") is None
    world.sql("UPDATE holds SET amount = -amount")
    assert other.hold("r2", key, "1.1") == key.id
    assert one.hold("r3", key, "1.1") == key.id


def test_what_a_refused_request_is_told_says_what_is_the_matter(world: World) -> None:
    key, one = world.key(budget_usd=Decimal(100), rpm=600), world.replica()
    one.flaky.away = True
    for ask in (lambda: one.hold("r1", key, "1"), lambda: one.accounts.rates.admit(key, 0)):
        with pytest.raises(StoreUnavailable) as refused:
            ask()
        assert refused.value.code == "store_unreachable"
        assert refused.value.message == (
            "What this machine had leased of the key's budgets and limits is used up, and more"
            " cannot be asked for now: The database is away."
        )
        assert (refused.value.retry_after or 0) >= 1
        assert "Keys without a budget or limit go on" in (refused.value.hint or "")


def test_the_version_before_counts_what_is_leased(world: World) -> None:
    """It knows `hold` and `recover` alone, and takes a slice for a request."""
    key, one = world.key(budget_usd=Decimal(1)), world.replica()
    before = world.stores.accounts()
    try:
        assert one.hold("r1", key, "0.5") is None
        window = one.accounts.balance(key).window
        left = 10**12 - int(world.purse(key.id)[1] * 10**12)
        assert not before.hold("old", key.id, window, left + 1, 10**12, world.clock.now)
        assert before.hold("old", key.id, window, left, 10**12, world.clock.now)
        assert one.hold("r2", key, "0.3") == key.id
        assert before.recover(world.clock.now - LONGEST_HOLD) == 0
        before.settle("old", window, 0)
        one.settle("r1", key, "0.5")
        world.wait(1.0)
        assert one.hold("r3", key, "0.5") is None
    finally:
        before.close()


# ---------------------------------------------------------------- whatever happens

ACTS = ["hold"] * 8 + ["settle"] * 4 + [
    "wait", "wait", "turn", "crash", "dead", "lose", "lose", "during", "raise", "lower", "day",
    "older",
]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(ACTS), st.integers(1, 200_000)),
    min_size=10,
    max_size=40,
)

PURSES = """
SELECT key, "window", spent, held, coalesce((SELECT sum(amount) FROM holds WHERE key = p.key), 0)
FROM purses p
"""


class Model:
    """What three replicas with clocks five seconds apart really spent, of each purse; the
    organisation's window is a day of Berlin."""

    def __init__(self, world: World) -> None:
        self.world = world
        admin = world.replica()
        self.acme, self.sales = found(admin.accounts, "2", "1", zone="Europe/Berlin", period="day")
        admin.accounts.teams.change(self.sales.id, GroupChange(period="total"))
        self.keys = [world.key(team="sales", budget_usd=Decimal(1), period="total") for _ in "ab"]
        admin.close()
        world.replicas.remove(admin)
        self.replicas = [world.replica(ahead) for ahead in (-2.5, 0.0, 2.5)]
        self.held: list[dict[str, tuple[Key, Decimal]]] = [{}, {}, {}]
        self.spent = dict.fromkeys([self.sales.id, *(key.id for key in self.keys)], Decimal(0))
        self.today, self.window = Decimal(0), ""
        """What was spent since the organisation's window was begun by whoever was first."""
        self.most = Decimal(1)
        """The highest budget that the team has had."""
        self.crashed = False
        self.orphans: list[tuple[Replica, str, Key, Decimal]] = []
        """Requests whose slices were given up while they were under way."""

    def step(self, n: int, who: int, act: str, number: int) -> None:
        amount, key = Decimal(number) / 10**6, self.keys[number % 2]
        {
            "hold": lambda: self.hold(who, f"r{n}", key, amount),
            "settle": lambda: self.settle_one(who, amount),
            "wait": lambda: self.turn(who, number / 10**5),
            "turn": lambda: self.turn(who, 0.3),
            "crash": lambda: self.crash(who),
            "dead": lambda: self.dead(who),
            "lose": lambda: self.lose(who, carried_out=number % 2 == 0, idle=number % 3 == 0),
            "during": lambda: self.during(who, f"r{n}", key, amount / 10),
            "raise": lambda: self.change("1.5"),
            "lower": lambda: self.change("0.2"),
            "day": self.day,
            "older": lambda: self.without_leases(f"r{n}", key, amount),
        }[act]()

    def hold(self, who: int, id: str, key: Key, amount: Decimal) -> None:
        with suppress(StoreError):
            if self.replicas[who].hold(id, key, amount) is None:
                self.held[who][id] = key, amount

    def settle_one(self, who: int, amount: Decimal) -> None:
        if self.held[who]:
            id, (key, most) = self.held[who].popitem()
            self.settle(who, id, key, min(amount, most))

    def turn(self, who: int, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.replicas[who].turn()

    def lose(self, who: int, *, carried_out: bool, idle: bool) -> None:
        """The answer to an order, which may be one to give back what is idle."""
        replica = self.replicas[who]
        replica.flaky.fails.append(carried_out)
        self.world.clock.advance(IDLE_SECONDS + 0.1 if idle else 0.3)
        replica.turn()

    def during(self, who: int, id: str, key: Key, amount: Decimal) -> None:
        """Requests go on while an order is under way."""
        replica = self.replicas[who]

        def hold() -> None:
            for n in range(5):
                if replica.hold_at_once(f"{id}-{n}", key, amount):
                    self.held[who][f"{id}-{n}"] = key, amount

        replica.flaky.during = hold
        self.world.clock.advance(IDLE_SECONDS + 0.1)
        replica.turn()
        replica.flaky.during = lambda: None

    def dead(self, who: int) -> None:
        """It lives, but others think that it does not: all that it had leased counts as spent. Some
        of its requests are settled before it learns of that, others after it has leased anew."""
        self.replicas[who].declared_dead(self.world.server, self.world.name)
        self.replicas[who - 1].store.recover(0.0)
        self.give_up(who)

    def give_up(self, who: int) -> None:
        """If it is spent, then maybe yesterday."""
        today = self.today
        for n, (id, (key, amount)) in enumerate(self.held[who].items()):
            self.count(key, amount)
            if n % 2:
                self.replicas[who].settle(id, key, amount)
            else:
                self.orphans.append((self.replicas[who], id, key, amount))
        self.held[who].clear()
        self.today, self.crashed = today, True

    def day(self) -> None:
        """To the same time tomorrow. No request waits for that long."""
        self.settle_all()
        self.world.wait(86_400)

    def settle_all(self) -> None:
        for who, held in enumerate(self.held):
            for id, (key, amount) in held.items():
                self.settle(who, id, key, amount)
            held.clear()

    def settle(self, who: int, id: str, key: Key, cost: Decimal) -> None:
        self.replicas[who].settle(id, key, cost)
        self.count(key, cost)

    def count(self, key: Key, cost: Decimal) -> None:
        for purse in (key.id, self.sales.id):
            self.spent[purse] += cost
        self.today += cost

    def crash(self, who: int) -> None:
        """What it was asked for may have been spent."""
        self.give_up(who)
        self.world.crash(self.replicas[who])
        self.replicas[who] = self.world.replica(2.5 * (who - 1))

    def change(self, budget: str) -> None:
        self.most = max(self.most, Decimal(budget))
        self.replicas[0].accounts.teams.change(self.sales.id, GroupChange(budget_usd=budget))

    def without_leases(self, id: str, key: Key, amount: Decimal) -> None:
        """As the version before does it: a transaction to set aside, another one to settle."""
        store = self.world.stores.accounts()
        accounts = Accounts(store, self.world.clock)
        try:
            if accounts.purse.hold_or_name(id, key, amount) is None:
                accounts.purse.settle(id, key, amount)
                self.count(key, amount)
        finally:
            accounts.close()

    def check(self) -> None:
        """No purse has more spent and leased than its budget, none less than was spent; what is
        set aside is what is leased."""
        budgets = {key.id: Decimal(1) for key in self.keys}
        budgets |= {self.sales.id: self.most, self.acme.id: Decimal(2)}
        for purse, window, *figures in self.world.sql(PURSES):
            if purse == self.acme.id and window != self.window:
                self.window, self.today = str(window), Decimal(0)
            spent, held, leased = (dollars(int(str(figure))) for figure in figures)
            assert held == leased
            used = (
                self.spent[str(purse)] + self.under_way(str(purse))
                if purse in self.spent
                else self.today
            )
            assert used <= spent + held <= budgets[str(purse)]

    def under_way(self, purse: str) -> Decimal:
        requests = [one for held in self.held for one in held.values()]
        return sum((amount for key, amount in requests if purse in (key.id, self.sales.id)),
                   Decimal(0))  # fmt: skip

    def end(self) -> None:
        self.settle_all()
        for replica, id, key, amount in self.orphans:
            replica.settle(id, key, amount)
        for replica in self.replicas:
            replica.flaky.fails.clear()
            replica.close()
        self.world.replicas.clear()
        accounts = Accounts(self.world.stores.accounts(), self.world.clock)
        accounts.close()  # who opens it gives up what the dead had leased
        self.check()
        for purse in (self.acme.id, *self.spent):
            assert self.world.purse(purse)[1] == 0, "everything went back"
        if not self.crashed:
            for purse, spent in self.spent.items():
                assert self.world.purse(purse)[0] == spent, "nothing was lost or counted twice"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_nothing_overruns_whatever_happens(
    postgres: PostgresServer, url: str, steps: list[tuple[int, str, int]]
) -> None:
    midnight = datetime(2026, 11, 28, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    with closing(World(postgres, url, FakeClock(midnight - 4.0))) as world:
        model = Model(world)
        for n, (who, act, number) in enumerate(steps):
            model.step(n, who, act, number)
            model.check()
        model.end()
        world.empty()
