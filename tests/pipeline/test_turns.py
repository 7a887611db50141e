"""One tenant's flood neither holds up nor pushes out what others wait for."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shortstop.pipeline.turns import Turns

TENANTS = st.sampled_from("aaab")


async def test_tenants_go_round_and_each_keeps_its_order() -> None:
    turns = Turns[str](10)
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert turns.put(item[0], item) is None
    assert [await turns.get() for _ in range(6)] == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_who_came_while_another_waited_is_next() -> None:
    turns = Turns[str](10)
    for number in range(5):
        turns.put("a", f"a{number}")
    assert await turns.get() == "a0"
    turns.put("b", "b0")
    assert [await turns.get(), await turns.get()] == ["a1", "b0"]


async def test_a_flood_gives_up_its_own_newest() -> None:
    turns = Turns[str](4)
    for number in range(4):
        turns.put("a", f"a{number}")
    assert turns.put("b", "b0") == "a3"
    assert turns.put("a", "a4") == "a4"
    assert len(turns) == 4


async def test_getting_waits_until_there_is_something() -> None:
    turns = Turns[str](4)
    waiting = asyncio.create_task(turns.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    turns.put("a", "a0")
    assert await waiting == "a0"
    assert len(turns) == 0


async def test_draining_takes_all() -> None:
    turns = Turns[str](4)
    for item in ("a0", "b0", "a1"):
        turns.put(item[0], item)
    assert sorted(turns.drain()) == ["a0", "a1", "b0"]
    assert turns.drain() == []


@given(st.lists(TENANTS, max_size=60), st.integers(1, 8))
def test_nothing_is_lost_in_silence_and_the_bound_holds(tenants: list[str], places: int) -> None:
    async def run() -> None:
        turns = Turns[tuple[str, int]](places)
        given_up = []
        for number, tenant in enumerate(tenants):
            gone = turns.put(tenant, (tenant, number))
            given_up += [gone] if gone else []
            assert len(turns) <= places
        assert sorted([*given_up, *turns.drain()]) == sorted(
            (tenant, number) for number, tenant in enumerate(tenants)
        )
        lost = Counter(tenant for tenant, _ in given_up)
        if tenants.count("b") <= places // 2:
            assert lost["b"] == 0, "it never had more than its half"

    asyncio.run(run())
