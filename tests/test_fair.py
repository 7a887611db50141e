"""Turns: the bound holds, nobody starves, nothing is idle while somebody waits, nothing leaks."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from shortstop.errors import Overloaded, ShortstopError
from shortstop.fair import FairGate, Holdings, NoPlace, Pace, may_queue
from shortstop.types import Party
from tests import virtual

HOG, VICTIM, THIRD = Party("hog"), Party("victim"), Party("third")
LEARNING = Party(background=True)


class Refused(Overloaded):
    def __init__(self, refusal: NoPlace) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def gate(places: int, queue: int = 100, wait_s: float = 1000.0, **more: Any) -> FairGate:
    return FairGate(places, queue, wait_s, Refused, **more)


@dataclass
class Crowd:
    """Requests through one gate on a virtual clock: who had a place from when to when."""

    gate: FairGate
    served: list[tuple[Party, float, float]] = field(default_factory=list)
    refused: list[tuple[Party, str]] = field(default_factory=list)
    most: int = 0

    async def ask(self, party: Party, seconds: float, after: float = 0.0) -> None:
        await asyncio.sleep(after)
        asked = _now()
        try:
            async with self.gate.take(party):
                self.most = max(self.most, self.gate.running)
                self.served.append((party, asked, _now()))
                await asyncio.sleep(seconds)
        except Refused as error:
            self.refused.append((party, error.refusal.reason))

    def waits(self, party: Party) -> list[float]:
        return [began - asked for who, asked, began in self.served if who == party]


def _now() -> float:
    return asyncio.get_running_loop().time()


def assert_nothing_is_left(gate: FairGate) -> None:
    assert (gate.running, gate.waiting) == (0, 0)
    assert gate.held.idle
    assert gate._line.waiting.idle
    assert gate._line._rings == ({}, {})


# ------------------------------------------------------------ turns


@pytest.mark.parametrize("places", [1, 2, 4, 7])
def test_another_tenant_waits_for_one_place_and_not_for_the_queue(places: int) -> None:
    async def scenario() -> Crowd:
        crowd = Crowd(gate(places))
        hog = [crowd.ask(HOG, 1.0) for _ in range(places + 60)]
        await asyncio.gather(*hog, crowd.ask(VICTIM, 1.0, after=0.5))
        assert_nothing_is_left(crowd.gate)
        return crowd

    crowd = virtual.run(scenario())
    assert crowd.waits(VICTIM) == [0.5]
    assert len(crowd.waits(HOG)) == places + 60
    assert crowd.most == places


def test_alone_a_party_may_have_everything() -> None:
    async def scenario() -> Crowd:
        crowd = Crowd(gate(8))
        await asyncio.gather(*(crowd.ask(HOG, 1.0) for _ in range(16)))
        return crowd

    crowd = virtual.run(scenario())
    assert crowd.most == 8
    assert Counter(crowd.waits(HOG)) == {0.0: 8, 1.0: 8}


def test_while_another_asks_a_party_has_at_most_half() -> None:
    async def scenario() -> list[Counter[Party]]:
        door, holders, seen = gate(6), Counter[Party](), list[Counter[Party]]()

        async def ask(party: Party) -> None:
            async with door.take(party):
                holders[party] += 1
                await asyncio.sleep(1.0)
                seen.append(+holders)
                holders[party] -= 1

        await asyncio.gather(*(ask(p) for p in [HOG] * 60 + [VICTIM] * 30))
        return seen

    seen = virtual.run(scenario())
    both = [held for held in seen[12:] if held[VICTIM] and held[HOG]]
    assert both
    assert max(held[HOG] for held in both[6:-6]) == 3


def test_keys_of_a_tenant_take_turns_within_its_turn() -> None:
    loud, quiet = Party("a", "loud"), Party("a", "quiet")

    async def scenario() -> list[Party]:
        crowd = Crowd(gate(1))
        asks = [crowd.ask(p, 1.0) for p in [loud] * 6 + [quiet] * 2 + [VICTIM] * 3]
        await asyncio.gather(*asks)
        return [who for who, _, _ in crowd.served]

    order = virtual.run(scenario())
    assert order[:8] == [loud, VICTIM, loud, VICTIM, quiet, VICTIM, loud, quiet]


def test_a_key_s_own_requests_stay_in_order() -> None:
    async def scenario() -> list[int]:
        door, order = gate(1), list[int]()

        async def one(number: int) -> None:
            async with door.take(HOG):
                order.append(number)
                await asyncio.sleep(1.0)

        await asyncio.gather(*(one(n) for n in range(9)))
        return order

    assert virtual.run(scenario()) == list(range(9))


def test_what_nobody_waits_for_gets_what_clients_leave() -> None:
    async def scenario() -> list[Party]:
        crowd = Crowd(gate(1))
        asks = [crowd.ask(p, 1.0) for p in [HOG] + [LEARNING] * 2 + [HOG] * 3]
        await asyncio.gather(*asks)
        return [who for who, _, _ in crowd.served]

    assert virtual.run(scenario()) == [HOG] * 4 + [LEARNING] * 2


def test_whoever_asks_one_thing_after_the_other_waits_for_a_long_answer_only_once() -> None:
    async def scenario() -> Crowd:
        crowd = Crowd(gate(2, linger_s=10.0))
        hog = [asyncio.create_task(crowd.ask(HOG, 50.0)) for _ in range(40)]
        await asyncio.sleep(1.0)
        for _ in range(20):
            await crowd.ask(VICTIM, 1.0)
            await asyncio.sleep(5.0)
        for task in hog:
            task.cancel()
        await asyncio.gather(*hog, return_exceptions=True)
        return crowd

    first, *others = virtual.run(scenario()).waits(VICTIM)
    assert first == 49.0
    assert others == [0.0] * 19


def test_a_place_kept_for_another_is_given_away_when_it_asks_no_more() -> None:
    async def scenario() -> Crowd:
        crowd = Crowd(gate(2, linger_s=10.0))
        visit = asyncio.create_task(crowd.ask(VICTIM, 1.0))
        await asyncio.gather(*(crowd.ask(HOG, 100.0) for _ in range(3)), visit)
        assert_nothing_is_left(crowd.gate)
        return crowd

    assert virtual.run(scenario()).waits(HOG) == [0.0, 11.0, 100.0]


def test_a_place_is_kept_for_nobody_who_never_came() -> None:
    async def scenario() -> Crowd:
        crowd = Crowd(gate(4, linger_s=10.0))
        await asyncio.gather(*(crowd.ask(HOG, 1.0) for _ in range(12)))
        await asyncio.gather(*(crowd.ask(LEARNING, 1.0) for _ in range(4)))
        return crowd

    crowd = virtual.run(scenario())
    assert Counter(crowd.waits(HOG)) == {0.0: 4, 1.0: 4, 2.0: 4}


# ------------------------------------------------------------ bounds and refusals


def test_a_queue_that_one_party_fills_has_room_for_another() -> None:
    async def scenario() -> Crowd:
        crowd = Crowd(gate(1, queue=4))
        hog = [crowd.ask(HOG, 1.0) for _ in range(9)]
        await asyncio.gather(*hog, crowd.ask(VICTIM, 1.0, after=0.5))
        assert_nothing_is_left(crowd.gate)
        return crowd

    crowd = virtual.run(scenario())
    assert crowd.refused == [(HOG, "full")] * 4
    assert crowd.waits(VICTIM) == [0.5]


def test_who_has_most_is_told_so() -> None:
    async def scenario() -> list[tuple[Party, str]]:
        crowd = Crowd(gate(2, queue=4))
        asks = [crowd.ask(p, 1.0) for p in [HOG] * 6 + [VICTIM] + [HOG]]
        await asyncio.gather(*asks)
        return crowd.refused

    assert virtual.run(scenario()) == [(HOG, "greedy")]


def test_nobody_waits_longer_than_the_deadline() -> None:
    async def scenario() -> tuple[Crowd, float]:
        crowd = Crowd(gate(1, wait_s=2.5))
        await asyncio.gather(*(crowd.ask(p, 10.0) for p in (HOG, HOG, VICTIM)))
        assert_nothing_is_left(crowd.gate)
        return crowd, _now()

    crowd, ended = virtual.run(scenario())
    assert crowd.refused == [(HOG, "greedy"), (VICTIM, "late")]
    assert ended == 10.0


def test_a_limit_that_is_no_machine_has_room_for_who_has_nothing() -> None:
    async def scenario() -> Crowd:
        crowd = Crowd(gate(8, queue=4, spare=4))
        hog = [crowd.ask(HOG, 100.0) for _ in range(20)]
        others = [crowd.ask(p, 1.0, after=5.0) for p in [VICTIM] * 2 + [THIRD] * 2]
        await asyncio.gather(*hog, *others)
        return crowd

    crowd = virtual.run(scenario())
    assert crowd.waits(VICTIM) == [0.0, 0.0]
    assert crowd.waits(THIRD) == [0.0, 1.0]
    assert crowd.most <= 12


@pytest.mark.parametrize(
    ("limit", "waiting", "own", "may"),
    [
        (0, 0, 0, False),
        (1, 0, 0, True),
        (1, 1, 1, False),
        (1, 1, 0, False),
        (4, 3, 3, True),
        (4, 4, 4, False),
        (4, 4, 0, True),
        (4, 5, 1, False),
        (4, 3, 2, True),
        (4, 4, 2, False),
    ],
)
def test_who_may_join_a_queue(limit: int, waiting: int, own: int, may: bool) -> None:
    assert may_queue(limit, waiting, own) is may


def test_holdings_forget_what_is_given_back() -> None:
    holdings = Holdings()
    key = Party("a", "k")
    holdings.add(key)
    holdings.add(Party("a", "other"))
    assert (holdings.of(key), holdings.of_key(key), holdings.total) == (2, 1, 2)
    holdings.drop(key)
    holdings.drop(Party("a", "other"))
    assert holdings.idle


# ------------------------------------------------------------ whatever happens


@pytest.mark.parametrize("seed", range(60))
def test_in_any_crowd_the_promises_hold(seed: int) -> None:
    """Random parties, lengths, arrivals, cancellations and deadlines: never more than `places`, no
    place idle while somebody waits, everybody is served, refused or gone, nothing leaks."""
    chance = random.Random(seed)
    places, queue = chance.randint(1, 6), chance.choice([0, 2, 8, 50])
    parties = [Party(f"t{i % 4}", f"k{i}", chance.random() < 0.1) for i in range(7)]

    async def scenario() -> None:
        spare, linger = chance.choice([0, 0, places // 2]), chance.choice([0.0, 0.0, 2.0])
        wait = chance.choice([3.0, 500.0])
        door = gate(places, queue, wait, spare=spare, linger_s=linger)
        ends = Counter[str]()
        limit = places + spare

        async def one() -> None:
            await asyncio.sleep(chance.uniform(0, 20))
            try:
                async with door.take(chance.choice(parties)):
                    assert door.running <= limit
                    await asyncio.sleep(chance.expovariate(1.0))
                    busy = linger or door.running >= places
                    assert not door.waiting or busy, "idle while somebody waits"
                ends["served"] += 1
            except ShortstopError:
                ends["refused"] += 1

        tasks = [asyncio.create_task(one()) for _ in range(120)]
        for task in chance.sample(tasks, 30):
            asyncio.get_running_loop().call_later(chance.uniform(0, 25), task.cancel)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        gone = sum(isinstance(r, asyncio.CancelledError) for r in results)
        assert [r for r in results if isinstance(r, AssertionError)] == []
        assert ends.total() + gone == 120
        assert_nothing_is_left(door)

    virtual.run(scenario())


@pytest.mark.parametrize("seed", range(10))
def test_nobody_starves_beside_those_who_never_stop_asking(seed: int) -> None:
    """The wait of a party's head is at most one turn of everybody else for each place's length."""
    chance = random.Random(seed)
    tenants = [Party(f"t{i}") for i in range(5)]

    async def scenario() -> list[float]:
        crowd = Crowd(gate(2, queue=1000))
        flood = [crowd.ask(p, 1.0, after=chance.uniform(0, 5)) for p in tenants for _ in range(40)]
        lone = [crowd.ask(VICTIM, 1.0, after=float(t)) for t in range(5, 60, 9)]
        await asyncio.gather(*flood, *lone)
        assert not crowd.refused
        return crowd.waits(VICTIM)

    assert max(virtual.run(scenario())) <= 3.0 + 1e-9


def test_a_place_given_to_one_who_leaves_at_that_moment_is_not_lost() -> None:
    async def scenario() -> None:
        door = gate(1)
        await door.enter(HOG)
        leaving = asyncio.create_task(door.enter(VICTIM))
        staying = asyncio.create_task(door.enter(THIRD))
        await asyncio.sleep(0)
        door.leave(HOG)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await staying
        assert (door.running, door.waiting) == (1, 0)
        door.leave(THIRD)
        assert_nothing_is_left(door)

    virtual.run(scenario())


def test_one_who_leaves_before_a_place_is_given_does_not_get_it() -> None:
    async def scenario() -> None:
        door = gate(1)
        await door.enter(HOG)
        leaving = asyncio.create_task(door.enter(VICTIM))
        staying = asyncio.create_task(door.enter(THIRD))
        await asyncio.sleep(0)
        leaving.cancel()
        door.leave(HOG)
        await staying
        await asyncio.gather(leaving, return_exceptions=True)
        door.leave(THIRD)
        assert_nothing_is_left(door)

    virtual.run(scenario())


def test_more_places_may_be_given_while_it_runs() -> None:
    async def scenario() -> None:
        door = gate(1, queue=0)
        await door.enter(HOG)
        assert not door.try_enter(HOG)
        door.places = 2
        assert door.try_enter(HOG)

    virtual.run(scenario())


# ------------------------------------------------------------ the pace


def test_in_one_turn_of_the_loop_only_so_many_begin_and_parties_take_turns() -> None:
    async def scenario() -> tuple[list[Party], list[int]]:
        pace, order, turns = Pace(2), list[Party](), list[int]()
        turn = 0

        async def one(party: Party) -> None:
            await pace.begin(party)
            order.append(party)
            turns.append(turn)

        tasks = [asyncio.create_task(one(p)) for p in [HOG] * 9 + [VICTIM] * 2]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            turn += 1
        assert pace.waiting == 0
        return order, turns

    order, turns = virtual.run(scenario())
    assert order == [HOG, HOG, HOG, VICTIM, HOG, VICTIM, HOG, HOG, HOG, HOG, HOG]
    assert max(Counter(turns).values()) == 2


def test_one_at_a_time_nobody_waits() -> None:
    async def scenario() -> None:
        pace = Pace(1)
        for _ in range(3):
            assert pace.try_begin()
            assert not pace.try_begin()
            await asyncio.sleep(0)

    virtual.run(scenario())


def test_who_leaves_before_the_turn_takes_nobody_s() -> None:
    async def scenario() -> None:
        pace = Pace(1)
        assert pace.try_begin()
        leaving = asyncio.create_task(pace.begin(HOG))
        staying = asyncio.create_task(pace.begin(VICTIM))
        for _ in range(2):
            leaving.cancel()
            await asyncio.sleep(0)
        await staying
        await asyncio.sleep(0)
        assert pace.waiting == 0
        assert pace.try_begin()

    virtual.run(scenario())
