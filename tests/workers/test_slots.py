"""Slots of several processes: never too many, none lost to a kill, first come first served."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shortstop.errors import EngineBusy
from shortstop.types import Party
from shortstop.workers.slots import (
    FRESH_NS,
    LINGER_NS,
    POLL_SECONDS,
    SharedSlots,
    SharedSlotTable,
    file_of,
    tenant_number,
    wipe,
)


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
    assert not table.wait(0, queue=2, own=1)
    table.leave(0)
    assert table.wait(2, queue=2)
    assert table.waiting == 2


def test_a_queue_full_of_others_has_room_for_one_who_has_nothing_in_it(
    table: SharedSlotTable,
) -> None:
    for number in range(4):
        assert table.wait(0, queue=4, own=number)
    assert not table.wait(0, queue=4, own=4)
    assert table.wait(1, queue=4, own=0)
    assert not table.wait(1, queue=4, own=1)


# ------------------------------------------------------------ turns between workers

HOG, VICTIM = tenant_number(Party("hog")), tenant_number(Party("victim"))


def test_a_free_slot_goes_to_the_tenant_that_holds_fewest_in_whichever_worker(
    table: SharedSlotTable,
) -> None:
    assert (table.claim(0, HOG), table.claim(1, HOG)) == (0, 1)
    now = time.monotonic_ns()
    for worker in (0, 2):
        table.wait(worker, queue=9)
    assert table.claim(0, HOG, now) is None
    assert table.claim(2, VICTIM, now + 1) is None
    table.release(0)
    assert table.claim(0, HOG, now) is None, "the other worker's tenant holds fewer"
    assert table.claim(1, HOG) is None, "nor may one go past that does not wait"
    assert table.claim(2, VICTIM, now + 1) == 0


def test_who_was_served_last_is_not_first_again(table: SharedSlotTable) -> None:
    for slot in (table.claim(0, VICTIM), table.claim(0, HOG)):
        assert slot is not None
    now = time.monotonic_ns()
    table.wait(0, queue=9)
    table.wait(1, queue=9)
    assert table.claim(1, VICTIM, now + 5) is None
    assert table.claim(0, HOG, now) is None
    table.release(0)
    table.release(1)
    assert table.claim(0, HOG, now) is None
    assert table.claim(1, VICTIM, now + 5) == 0


def test_what_nobody_waits_for_lets_clients_go_first(table: SharedSlotTable) -> None:
    learning = tenant_number(Party(background=True))
    assert learning < 0 < HOG
    now = time.monotonic_ns()
    for worker in (0, 1):
        table.wait(worker, queue=9)
        table.claim(worker, HOG)
    assert table.claim(1, HOG, now) is None
    table.release(0)
    assert table.claim(0, learning, now - 9) is None
    assert table.claim(1, HOG, now) == 0


def test_a_worker_that_looks_no_more_holds_nobody_up(
    table: SharedSlotTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (table.claim(0, HOG), table.claim(0, HOG)) == (0, 1)
    table.wait(1, queue=9)
    now = time.monotonic_ns()
    assert table.claim(1, VICTIM, now) is None
    table.release(0)
    assert table.claim(0, HOG) is None
    monkeypatch.setattr(time, "monotonic_ns", lambda: now + 2 * FRESH_NS)
    assert table.claim(0, HOG) == 0


def test_a_slot_is_kept_for_one_who_asked_a_moment_ago(
    table: SharedSlotTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = table.claim(0, VICTIM)
    assert slot is not None
    table.release(slot)
    assert table.claim(1, HOG) is not None
    assert table.claim(2, HOG) is None, "half is enough while others ask"
    again = table.claim(0, VICTIM)
    assert again is not None
    table.release(again)
    later = time.monotonic_ns() + LINGER_NS + 1
    monkeypatch.setattr(time, "monotonic_ns", lambda: later)
    assert table.claim(2, HOG) is not None, "alone it may have all"


async def test_across_workers_a_tenant_waits_for_one_slot_and_not_for_the_queue(
    tmp_path: Path,
) -> None:
    tables = [SharedSlotTable(file_of(tmp_path, "one", 1), 1) for _ in range(3)]
    slots = [SharedSlots(table, i, queue=60) for i, table in enumerate(tables)]
    order: list[str] = []

    async def one(worker: int, tenant: str) -> None:
        async with slots[worker].take(Party(tenant)):
            order.append(tenant)

    async with slots[0].take(Party("hog")):
        hog = [asyncio.create_task(one(i % 3, "hog")) for i in range(45)]
        while slots[0].waiting < 45:
            await asyncio.sleep(0)
        victim = asyncio.create_task(one(1, "victim"))
        while slots[0].waiting < 46:
            await asyncio.sleep(0)
        await asyncio.sleep(5 * POLL_SECONDS)
    await asyncio.gather(*hog, victim)
    assert order.index("victim") <= 2
    assert (slots[0].running, slots[0].waiting) == (0, 0)
    for table in tables:
        table.close()


async def test_nobody_waits_for_a_slot_longer_than_the_deadline(table: SharedSlotTable) -> None:
    slots = SharedSlots(table, 0, queue=5, wait_s=0.01)
    async with slots.take(Party()), slots.take(Party()):
        with pytest.raises(EngineBusy, match="no slot in time"):
            await _take(slots)
    assert (slots.running, slots.waiting) == (0, 0)


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
    first, second = slots.take(Party()), slots.take(Party())
    await first.__aenter__()
    await second.__aenter__()

    async def one(i: int) -> None:
        async with slots.take(Party()):
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
    async with slots.take(Party()), other.take(Party()):
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
    async with slots.take(Party()), slots.take(Party()):
        waiting = [asyncio.create_task(_take(slots)) for _ in range(3)]
        while slots.waiting < 3:
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (slots.running, slots.waiting) == (2, 0)
    async with slots.take(Party()):
        assert slots.running == 1


async def test_a_slot_is_given_back_when_the_work_fails(table: SharedSlotTable) -> None:
    slots = SharedSlots(table, 0, queue=5)
    with pytest.raises(RuntimeError):
        async with slots.take(Party()):
            raise RuntimeError
    assert slots.running == 0


async def _take(slots: SharedSlots) -> None:
    async with slots.take(Party()):
        pass
