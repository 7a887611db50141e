"""Slots of several processes: never too many, none lost to a kill, first come first served."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortstop.errors import EngineBusy
from shortstop.workers.slots import SharedSlots, SharedSlotTable, file_of, wipe


@pytest.fixture
def table(tmp_path: Path) -> Iterator[SharedSlotTable]:
    table = SharedSlotTable(file_of(tmp_path, "small", 2), 2)
    yield table
    table.close()


def test_a_slot_belongs_to_one_holder(table: SharedSlotTable) -> None:
    assert (table.claim(0), table.claim(1), table.claim(2)) == (0, 1, None)
    assert table.running == 2
    table.release(1)
    assert table.claim(2) == 1


def test_the_queue_is_one_for_all_workers(table: SharedSlotTable) -> None:
    assert table.wait(0, queue=2)
    assert table.wait(1, queue=2)
    assert not table.wait(2, queue=2)
    table.leave(0)
    assert table.wait(2, queue=2)
    assert table.waiting == 2


def test_all_see_the_same_table(tmp_path: Path, table: SharedSlotTable) -> None:
    other = SharedSlotTable(file_of(tmp_path, "small", 2), 2)
    table.claim(0)
    other.wait(1, queue=5)
    assert (other.running, table.waiting) == (1, 1)
    assert other.claim(1) == 1
    other.close()


def test_what_a_dead_worker_held_is_free_and_what_others_hold_is_not(
    tmp_path: Path, table: SharedSlotTable
) -> None:
    table.claim(0)
    table.claim(1)
    for worker in (0, 1, 1):
        table.wait(worker, queue=9)
    another = SharedSlotTable(file_of(tmp_path, "coder", 4), 4)
    another.claim(1)
    wipe(tmp_path, 1)
    assert (table.running, table.waiting) == (1, 1)
    assert table.claim(2) == 1
    assert another.running == 0
    another.close()


def _hold(folder: Path, ready: str) -> None:
    table = SharedSlotTable(file_of(folder, "small", 2), 2)
    table.claim(3)
    table.wait(3, queue=9)
    Path(ready).touch()
    signal.pause()


def test_a_worker_that_is_killed_leaves_its_slots_to_the_wiper(
    tmp_path: Path, table: SharedSlotTable
) -> None:
    ready = tmp_path / "ready"
    process = multiprocessing.get_context("spawn").Process(
        target=_hold, args=(tmp_path, str(ready))
    )
    process.start()
    while not ready.exists():
        assert process.is_alive()
        os.sched_yield()
    assert (table.running, table.waiting) == (1, 1)
    process.kill()
    process.join()
    assert (table.running, table.waiting) == (1, 1), "nobody noticed yet"
    wipe(tmp_path, 3)
    assert (table.running, table.waiting) == (0, 0)
    assert table.claim(0) == 0, "the lock died with its holder"


def _grab(folder: Path, worker: int, rounds: int, out: str) -> None:
    table = SharedSlotTable(file_of(folder, "small", 2), 2)
    worst = taken = 0
    while taken < rounds:
        slot = table.claim(worker)
        if slot is None:
            continue
        worst = max(worst, table.running)
        taken += 1
        table.release(slot)
    Path(out).write_text(str(worst))


def test_under_contention_there_are_never_more_holders_than_slots(
    tmp_path: Path, table: SharedSlotTable
) -> None:
    context = multiprocessing.get_context("spawn")
    outs = [tmp_path / f"out{i}" for i in range(4)]
    grabbers = [
        context.Process(target=_grab, args=(tmp_path, i, 500, str(out)))
        for i, out in enumerate(outs)
    ]
    for grabber in grabbers:
        grabber.start()
    for grabber in grabbers:
        grabber.join()
        assert grabber.exitcode == 0
    assert all(1 <= int(out.read_text()) <= 2 for out in outs)
    assert table.running == 0


async def test_first_come_first_served_within_a_worker(table: SharedSlotTable) -> None:
    slots = SharedSlots(table, 0, queue=10)
    order: list[int] = []
    first, second = slots.take(), slots.take()
    await first.__aenter__()
    await second.__aenter__()

    async def one(i: int) -> None:
        async with slots.take():
            order.append(i)

    waiting = [asyncio.create_task(one(i)) for i in range(6)]
    while slots.waiting < 6:
        await asyncio.sleep(0)
    await first.__aexit__(None, None, None)
    await asyncio.gather(*waiting)
    assert order == list(range(6))
    assert (slots.running, slots.waiting) == (1, 0)
    await second.__aexit__(None, None, None)


async def test_a_full_queue_refuses_at_once(table: SharedSlotTable) -> None:
    slots, other = SharedSlots(table, 0, queue=1), SharedSlots(table, 1, queue=1)
    async with slots.take(), other.take():
        waiting = asyncio.create_task(_take(slots))
        while not slots.waiting:
            await asyncio.sleep(0)
        with pytest.raises(EngineBusy):
            await _take(other)
    await waiting
    assert (slots.running, slots.waiting) == (0, 0)


async def test_who_leaves_the_queue_is_not_counted_and_holds_nothing(
    table: SharedSlotTable,
) -> None:
    slots = SharedSlots(table, 0, queue=5)
    async with slots.take(), slots.take():
        waiting = [asyncio.create_task(_take(slots)) for _ in range(3)]
        while slots.waiting < 3:
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (slots.running, slots.waiting) == (2, 0)
    async with slots.take():
        assert slots.running == 1


async def test_a_slot_is_given_back_when_the_work_fails(table: SharedSlotTable) -> None:
    slots = SharedSlots(table, 0, queue=5)
    with pytest.raises(RuntimeError):
        async with slots.take():
            raise RuntimeError
    assert slots.running == 0


async def _take(slots: SharedSlots) -> None:
    async with slots.take():
        pass
