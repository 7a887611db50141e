"""The privacy check: long requests are judged in a thread, and nobody waits for one that hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import msgspec
import pytest

from shortstop.app.bodies import body_format
from shortstop.config import PrivacyConfig
from shortstop.dialects import get
from shortstop.errors import Overloaded, PrivacyRefused
from shortstop.pipeline.clearing import (
    LONG_BYTES,
    NOT_CLEARED,
    QUEUE,
    READERS,
    Clearing,
    run_in_thread,
)
from shortstop.privacy import ephemeral_guard
from shortstop.types import Caller, Clearance, Cleared, Json, Party, Reach, Request, Target, Tier
from tests.serving.test_cascade import OPEN, PINNED, REQUEST, TARGETS, OpenGuard

CALLER = Caller()
LONG: Json = {"text": "x" * LONG_BYTES}
LATE = Clearance(Tier.S3, Reach.LOCAL_ONLY, reasons=("detector-too-slow",))
FOR_EVER = 60.0


def asked(body: Json) -> Request:
    return msgspec.structs.replace(REQUEST, body=body)


def nested(depth: int) -> list[object]:
    inner: list[object] = []
    for _ in range(depth):
        inner = [inner]
    return inner


class Judging(OpenGuard):
    """Judges as a function does, and remembers in which threads."""

    def __init__(self, judge: Callable[[], Clearance] = lambda: OPEN) -> None:
        self.judge = judge
        self.threads: list[threading.Thread] = []
        self.given_up = 0

    def clear(self, request: Request, caller: Caller) -> Clearance:
        self.threads.append(threading.current_thread())
        return self.judge()

    def look(self, request: Request, caller: Caller) -> Clearance:
        return self.clear(request, caller)

    def give_up(self, request: Request, caller: Caller) -> Clearance:
        self.given_up += 1
        return LATE

    @property
    def on_the_loop(self) -> list[bool]:
        return [thread is threading.main_thread() for thread in self.threads]


async def until(reached: Callable[[], bool]) -> None:
    """Polls what another thread does, without a pause between two looks."""
    async with asyncio.timeout(10):
        while not reached():
            await asyncio.sleep(0)


# ------------------------------------------------------------ where it is judged


@pytest.mark.parametrize(
    ("bytes_", "on_the_loop"), [(100, True), (LONG_BYTES - 1, True), (LONG_BYTES, False)]
)
async def test_a_look_is_taken_where_a_verdict_is(bytes_: int, on_the_loop: bool) -> None:
    guard = Judging()
    body = {"text": "x" * (bytes_ - len(msgspec.json.encode({"text": ""})))}
    assert await Clearing(guard).look(asked(body), CALLER) == OPEN
    assert guard.on_the_loop == [on_the_loop]


async def test_a_look_that_hangs_is_not_waited_for() -> None:
    go = threading.Event()
    guard = Judging(lambda: (go.wait(10) and OPEN) or PINNED)
    looked = await Clearing(guard, timeout_s=0.01).look(asked({"text": "x" * LONG_BYTES}), CALLER)
    go.set()
    assert (looked.reach, guard.given_up) == (Reach.LOCAL_ONLY, 0)


@pytest.mark.parametrize(
    ("bytes_", "on_the_loop"), [(100, True), (LONG_BYTES - 1, True), (LONG_BYTES, False)]
)
async def test_only_long_requests_are_judged_in_a_thread(bytes_: int, on_the_loop: bool) -> None:
    guard = Judging()
    frame = len(msgspec.json.encode({"text": ""}))
    body = {"text": "x" * (bytes_ - frame)}
    assert len(msgspec.json.encode(body)) == bytes_
    assert await Clearing(guard).clear(asked(body), CALLER) == OPEN
    assert guard.on_the_loop == [on_the_loop]


@pytest.mark.parametrize("odd", ["\ud800", object(), nested(5_000)])
async def test_a_body_that_cannot_be_written_counts_as_long(odd: object) -> None:
    guard = Judging()
    await Clearing(guard).clear(asked({"text": odd}), CALLER)
    assert guard.on_the_loop == [False]


async def test_a_long_request_does_not_block_the_loop() -> None:
    """The judgement ends only because the loop goes on meanwhile."""
    began, go = threading.Event(), threading.Event()

    def judge() -> Clearance:
        began.set()
        assert go.wait(10)
        return OPEN

    clearing = Clearing(Judging(judge), FOR_EVER)
    clear = asyncio.create_task(clearing.clear(asked(LONG), CALLER))
    await until(began.is_set)
    short = Clearing(Judging())
    assert await short.clear(REQUEST, CALLER) == OPEN
    go.set()
    assert await clear == OPEN


async def test_a_few_long_requests_are_read_at_the_same_time_and_the_others_wait() -> None:
    go = threading.Event()

    def judge() -> Clearance:
        assert go.wait(10)
        return OPEN

    guard = Judging(judge)
    clearing = Clearing(guard, FOR_EVER)
    clears = [asyncio.create_task(clearing.clear(asked(LONG), CALLER)) for _ in range(READERS + 3)]
    await until(lambda: len(guard.threads) == READERS)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(guard.threads) == READERS
    go.set()
    assert await asyncio.gather(*clears) == [OPEN] * (READERS + 3)


async def test_who_finds_all_readers_with_another_is_read_at_once() -> None:
    go = threading.Event()

    def judge() -> Clearance:
        assert go.wait(10)
        return OPEN

    guard = Judging(judge)
    clearing = Clearing(guard, FOR_EVER)
    hog, other = (msgspec.structs.replace(asked(LONG), party=Party(name)) for name in "ab")
    clears = [asyncio.create_task(clearing.clear(hog, CALLER)) for _ in range(READERS + 9)]
    await until(lambda: len(guard.threads) == READERS)
    clears.append(asyncio.create_task(clearing.clear(other, CALLER)))
    await until(lambda: len(guard.threads) == READERS + 1)
    go.set()
    assert await asyncio.gather(*clears) == [OPEN] * len(clears)


async def test_long_requests_that_find_no_reader_are_refused_and_not_pinned() -> None:
    go = threading.Event()

    def judge() -> Clearance:
        assert go.wait(10)
        return OPEN

    guard = Judging(judge)
    clearing = Clearing(guard, FOR_EVER)
    clears = [
        asyncio.create_task(clearing.clear(asked(LONG), CALLER)) for _ in range(READERS + QUEUE)
    ]
    await until(lambda: len(guard.threads) == READERS)
    with pytest.raises(Overloaded, match="wait to be read"):
        await clearing.clear(asked(LONG), CALLER)
    assert guard.given_up == 0
    go.set()
    assert await asyncio.gather(*clears) == [OPEN] * len(clears)


# ------------------------------------------------------------ what goes wrong


async def test_a_detector_that_hangs_pins_the_request_and_holds_nobody_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go, ended = threading.Event(), threading.Event()

    def hang() -> Clearance:
        go.wait(10)
        ended.set()
        return OPEN

    guard = Judging(hang)
    clearing = Clearing(guard, timeout_s=0.001)
    assert await clearing.clear(asked(LONG), CALLER) == LATE
    assert guard.given_up == 1
    go.set()
    await until(ended.is_set)
    guard.threads[0].join(10)
    await asyncio.sleep(0)
    assert guard.given_up == 1
    assert caplog.text == "", "the verdict that came too late is nobody's, and no error"


async def test_hanging_detectors_do_not_use_the_readers_up() -> None:
    go = threading.Event()

    def hang() -> Clearance:
        go.wait(10)
        return OPEN

    guard = Judging(hang)
    clearing = Clearing(guard, timeout_s=0.001)
    for _ in range(2 * READERS):
        assert await clearing.clear(asked(LONG), CALLER) == LATE
    assert len(guard.threads) == 2 * READERS
    go.set()
    for thread in guard.threads:
        thread.join(10)


@pytest.mark.parametrize("text", [LONG, "short"])
@pytest.mark.parametrize("error", [ZeroDivisionError("as scripted"), MemoryError(), OSError(5, "")])
async def test_an_error_of_the_guard_pins(
    text: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Clearance:
        raise error

    assert await Clearing(Judging(fail)).clear(asked(text), CALLER) == NOT_CLEARED
    assert "privacy's verdict failed" in caplog.text
    assert "as scripted" not in caplog.text


async def test_an_error_in_the_thread_is_raised_where_it_is_waited_for() -> None:
    def fail() -> None:
        raise ZeroDivisionError("as scripted")

    with pytest.raises(ZeroDivisionError, match="as scripted"):
        await run_in_thread(fail, 10)


async def test_a_client_that_leaves_frees_its_reader() -> None:
    go = threading.Event()

    def judge() -> Clearance:
        assert go.wait(10)
        return OPEN

    guard = Judging(judge)
    clearing = Clearing(guard, FOR_EVER)
    for _ in range(READERS):
        clear = asyncio.create_task(clearing.clear(asked(LONG), CALLER))
        count = len(guard.threads)
        await until(lambda count=count: len(guard.threads) > count)
        clear.cancel()
        with pytest.raises(asyncio.CancelledError):
            await clear
    clear = asyncio.create_task(clearing.clear(asked(LONG), CALLER))
    await until(lambda: len(guard.threads) == READERS + 1)
    go.set()
    assert await clear == OPEN
    for thread in guard.threads:
        thread.join(10)


def test_a_thread_that_ends_after_its_loop_is_harmless() -> None:
    go, began = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        began.set()
        go.wait(10)

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await run_in_thread(work, 0.001)
        await until(began.is_set)

    asyncio.run(scenario())
    go.set()
    threads[0].join(10)
    assert not threads[0].is_alive()
    assert threads[0].daemon, "it does not keep the process alive either"


# ------------------------------------------------------------ with the real guard


def real(**settings: object) -> Clearing:
    guard = ephemeral_guard(PrivacyConfig(**settings), body_format())
    guard.warm()  # as at a gateway's start: rules compile at their first use
    return Clearing(guard, guard.timeout_s)


def chat(text: str) -> Request:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    return get("openai.chat").decode_request(body, "req_1")


async def test_a_secret_is_found_at_the_end_of_a_long_request() -> None:
    text = "word " * (LONG_BYTES // 4)
    clearing = real()
    harmless = await clearing.clear(chat(text), CALLER)
    assert harmless.tier < Tier.S2
    clearance = await clearing.clear(chat(text + "IBAN DE89 3704 0044 0532 0130 00"), CALLER)
    assert clearance.reach == Reach.LOCAL_ONLY


async def test_a_real_request_that_is_given_up_is_pinned_and_never_released() -> None:
    before = set(threading.enumerate())
    guard = ephemeral_guard(PrivacyConfig(), body_format())
    request = chat("x " * LONG_BYTES)
    clearance = await Clearing(guard, timeout_s=0.0).clear(request, CALLER)
    assert (clearance.tier, clearance.reach) == (Tier.S3, Reach.LOCAL_ONLY)
    assert clearance.reasons == ("detector-too-slow",)
    with pytest.raises(PrivacyRefused):
        await Clearing(guard).release(request, clearance, TARGETS["big"])
    for thread in set(threading.enumerate()) - before:  # an interpreter that ends in it would abort
        thread.join(10)


# ------------------------------------------------------------ letting go


class Preparing(OpenGuard):
    """Finds something only when a request is about to leave."""

    def __init__(self, found: Clearance) -> None:
        self.found = found
        self.released: list[Clearance] = []

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        return self.found

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        self.released.append(clearance)
        return super().release(request, clearance, target)


async def test_what_is_released_has_been_prepared() -> None:
    named = msgspec.structs.replace(OPEN, reasons=("names-read",))
    guard = Preparing(named)
    cleared = await Clearing(guard).release(REQUEST, OPEN, TARGETS["big"])
    assert (cleared.clearance, cleared.target) == (named, "big")
    assert guard.released == [named]


async def test_what_preparing_pins_is_not_released() -> None:
    with pytest.raises(PrivacyRefused):
        await Clearing(Preparing(PINNED)).release(REQUEST, OPEN, TARGETS["big"])
