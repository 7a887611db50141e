"""A process works on several batches, and none of them stops another."""

from __future__ import annotations

import asyncio

import pytest

from shortstop.batches import Batch, Holder, Runner
from shortstop.errors import StoreUnavailable
from tests.batches.world import ME, ScriptedAsk, World, answer, asked, line

pytestmark = pytest.mark.asyncio
YOU = Holder("key-2", "rival")


def begun(world: World, count: int, holder: Holder = ME) -> Batch:
    file = world.upload(b"\n".join(line(f"{holder.name}-{i}") for i in range(count)), holder)
    return world.book.create(holder, None, asked(file.row.id), {})


async def ended(world: World, *batches: Batch) -> None:
    async with asyncio.timeout(20):
        while not all(world.now(batch).ended for batch in batches):
            await asyncio.sleep(0.001)


async def test_batches_take_turns(world: World) -> None:
    world.limit(concurrency=1)
    order: list[str] = []

    def script(name: str, times: int) -> object:
        order.append(name[:5])
        return answer(name)

    long, short = begun(world, 40), begun(world, 5, YOU)
    runner = Runner(world.means(ScriptedAsk(script)))  # type: ignore[arg-type]
    await runner.look()
    assert runner.running == 2
    await ended(world, long, short)
    last = max(i for i, name in enumerate(order) if name == "key-2")
    assert last < 30, "the short one need not wait for the long one"


async def test_it_runs_until_it_is_stopped_and_gives_up_what_it_did(world: World) -> None:
    ask = ScriptedAsk(lambda name, times: answer(name, 503, again=1.0))
    batch = begun(world, 3)
    runner = Runner(world.means(ask, lambda seconds: asyncio.sleep(0.001)))
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(20):
        while not ask.asked:
            await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert runner.running == 0
    assert world.now(batch).row.status == "in_progress"


async def test_what_cannot_be_written_rests_and_goes_on(world: World) -> None:
    batch = begun(world, 2)
    end, broken = world.batch_store.end, [True]

    def failing(*args: object) -> object:
        if broken.pop() if broken else False:
            raise StoreUnavailable("The disk is full.")
        return end(*args)  # type: ignore[arg-type]

    world.batch_store.end = failing  # type: ignore[method-assign, assignment]
    ask = ScriptedAsk()
    runner = Runner(world.means(ask, lambda seconds: asyncio.sleep(0)))
    running = asyncio.create_task(runner.run())
    await ended(world, batch)
    running.cancel()
    assert sum(ask.asked.values()) == 2, "no line twice"


async def test_a_store_that_fails_stops_nothing(world: World) -> None:
    def failing() -> object:
        raise StoreUnavailable("Out of reach.")

    claim = world.batch_store.claim
    world.batch_store.claim = failing  # type: ignore[method-assign, assignment]
    runner = Runner(world.means(ScriptedAsk()))
    await runner.look()
    batch = begun(world, 1)
    world.batch_store.claim = claim  # type: ignore[method-assign]
    await runner.look()
    await ended(world, batch)
