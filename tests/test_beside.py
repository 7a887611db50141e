"""What takes its time holds up nobody but who needs it, and that one not for long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from shortstop.beside import MOST_VAIN, ON_THE_LOOP, BesideTheLoop, JointCall
from shortstop.errors import StoreUnavailable


class Store:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.done: list[str] = []

    def answer(self, what: str = "") -> str:
        assert self.free.wait(20)
        self.done.append(what)
        return what

    def fail(self) -> None:
        raise StoreUnavailable("The disk is full.")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def calls(store: Store) -> Iterator[BesideTheLoop]:
    calls = BesideTheLoop(store.answer, patience_s=0.2, pause_s=0.01, quiet_s=2.0)
    yield calls
    store.free.set()
    calls.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.005)


async def test_a_call_leaves_the_loop_and_brings_its_result_or_its_failure(
    store: Store, calls: BesideTheLoop
) -> None:
    loop = threading.get_ident()
    assert await calls.run(threading.get_ident) != loop
    assert await calls.need(lambda: store.answer("a")) == "a"
    for wait in (calls.run, calls.need):
        with pytest.raises(StoreUnavailable, match="disk is full"):
            await wait(store.fail)


async def slowed(store: Store, calls: BesideTheLoop) -> None:
    """As many wait in vain as it takes."""
    store.free.clear()
    for _ in range(MOST_VAIN):
        with pytest.raises(StoreUnavailable) as caught:
            await calls.run(lambda: store.answer("first"))
        assert caught.value.code == "store_slow"


async def test_a_few_wait_in_vain_and_then_nobody_until_the_store_answers(
    store: Store, calls: BesideTheLoop
) -> None:
    await slowed(store, calls)
    for _ in range(50):
        with pytest.raises(StoreUnavailable):
            await calls.run(lambda: store.answer("never asked"))
    store.free.set()

    async def answered() -> str:
        async with asyncio.timeout(20):
            while True:
                try:
                    return await calls.run(lambda: store.answer("again"))
                except StoreUnavailable:
                    await asyncio.sleep(0.01)

    assert await answered() == "again"
    assert "never asked" not in store.done


async def test_a_store_on_the_verge_is_told_of_once(
    store: Store, calls: BesideTheLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """Slow three times in a row, each time in time again for a moment."""
    for _ in range(3):
        await slowed(store, calls)
        store.free.set()
        await until(lambda: not calls._slow)
    await until(lambda: "in time again" in caplog.text)
    said = [one.getMessage() for one in caplog.records if "shared store" in one.getMessage()]
    assert len(said) == 2
    assert said[0].startswith("the shared store is slow")
    assert said[1].startswith("the shared store answers in time again: it was slow 3 times in")
    await slowed(store, calls)
    assert caplog.text.count("the shared store is slow") == 2, "a trouble of its own"


async def test_one_answer_in_time_is_no_steady_store() -> None:
    """Requests rely on it after three tries in a row that were in time."""
    answers = iter([True, True, False, True, True, True])
    asked: list[bool] = []

    def probe() -> None:
        asked.append(next(answers))
        if not asked[-1]:
            raise StoreUnavailable("It is away.")

    store, calls = Store(), BesideTheLoop(probe, patience_s=0.2, pause_s=0.0)
    await slowed(store, calls)
    await until(lambda: not calls._slow)
    assert asked == [True, True, False, True, True, True]
    store.free.set()
    calls.close()


async def test_while_it_is_slow_what_is_needed_is_still_asked(
    store: Store, calls: BesideTheLoop
) -> None:
    await slowed(store, calls)
    needed = asyncio.create_task(calls.need(lambda: store.answer("needed")))
    await asyncio.sleep(0)
    store.free.set()
    assert await needed == "needed"


async def test_what_comes_later_is_done_whether_anybody_waits_or_not(
    store: Store, calls: BesideTheLoop, caplog: pytest.LogCaptureFixture
) -> None:
    await calls.later("a note", lambda: store.answer("awaited"))
    assert store.done == ["awaited"]
    calls.later("a note", lambda: store.answer("not awaited"))
    await until(lambda: "not awaited" in store.done)
    await calls.later("a broken note", store.fail)
    assert "a broken note is not possible now" in caplog.text


async def test_nobody_waits_for_long_for_what_comes_later(
    store: Store, calls: BesideTheLoop
) -> None:
    store.free.clear()
    for _ in range(MOST_VAIN):
        await calls.later("a note", lambda: store.answer("late"))
    assert not store.done
    calls.later("a note", lambda: store.answer("left out"))
    store.free.set()
    await until(lambda: "late" in store.done)
    assert "left out" not in store.done


async def test_one_that_is_late_is_no_slow_store(store: Store, calls: BesideTheLoop) -> None:
    for _ in range(2 * MOST_VAIN):
        store.free.clear()
        with pytest.raises(StoreUnavailable):
            await calls.run(store.answer)
        store.free.set()
        assert await calls.need(lambda: store.answer("done")) == "done"
        assert await calls.run(lambda: store.answer("in time")) == "in time"


async def test_the_loop_goes_on_while_the_store_does_not(
    store: Store, calls: BesideTheLoop
) -> None:
    store.free.clear()
    asked, turns = asyncio.create_task(calls.need(store.answer)), 0
    while turns < 100:
        await asyncio.sleep(0)
        turns += 1
    assert not asked.done()
    store.free.set()
    await asked


async def test_a_store_that_is_near_is_asked_on_the_loop() -> None:
    loop = threading.get_ident()
    assert await ON_THE_LOOP.run(threading.get_ident) == loop
    assert await ON_THE_LOOP.need(threading.get_ident) == loop
    seen: list[int] = []
    pending = ON_THE_LOOP.later("a note", lambda: seen.append(threading.get_ident()))
    assert seen == [loop], "before anybody waits for it"
    await pending


def test_closing_waits_for_what_is_under_way(store: Store) -> None:
    calls = BesideTheLoop(store.answer)
    calls.later("a note", lambda: (time.sleep(0.01), store.answer("kept")))
    calls.close()
    assert store.done == ["kept"]


async def test_one_call_is_made_for_all_who_want_the_same(
    store: Store, calls: BesideTheLoop
) -> None:
    joint = JointCall(calls, lambda: store.answer("news"), patience_s=20)

    async def want() -> None:
        joint.begin()
        await joint.over()

    store.free.clear()
    asking = [asyncio.create_task(want()) for _ in range(5)]
    await asyncio.sleep(0.05)
    store.free.set()
    await asyncio.gather(*asking)
    assert store.done == ["news"]
    await want()
    assert store.done == ["news", "news"]


async def test_after_a_late_one_nobody_waits_until_one_is_in_time(
    store: Store, calls: BesideTheLoop
) -> None:
    joint, loop = JointCall(calls, store.answer, patience_s=0.2), asyncio.get_running_loop()

    async def waited() -> float:
        joint.begin()
        began = loop.time()
        await joint.over()
        return loop.time() - began

    store.free.clear()
    assert await waited() >= 0.19
    assert await waited() < 0.1, "it has had its time"
    store.free.set()
    await until(lambda: len(store.done) == 1)
    store.free.clear()
    await asyncio.sleep(0.05)
    assert await waited() < 0.1, "the last one was late"
    store.free.set()
    await until(lambda: len(store.done) == 2)
    await asyncio.sleep(0.05)
    store.free.clear()
    assert await waited() >= 0.19, "the last one was in time"


async def test_a_joint_call_that_fails_is_over(store: Store, calls: BesideTheLoop) -> None:
    joint = JointCall(calls, store.fail)
    joint.begin()
    await joint.over()
