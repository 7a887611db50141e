"""The queue is by importance: what no client waits for hardly holds clients up, and is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from shortstop import dialects
from shortstop.errors import EngineBusy
from shortstop.registry.vocabulary import Vocabulary
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.forecast import Forecast
from shortstop.serving.engines.markers import Markers
from shortstop.serving.engines.slots import Interrupted, Slots
from shortstop.serving.http import LocalClient
from shortstop.types import Message, Party, Request, Sampling, Text, Usage
from tests import virtual

CLIENT, LEARNING = Party("acme"), Party("acme", background=True)
NO_MARKERS = Markers(Vocabulary())
SHORT, LONG = (1, 8), (6, 40)
"""Batches of the prompt and tokens of the answer."""


@dataclass
class Job:
    prompt: int
    tokens: int
    writer: asyncio.StreamWriter
    left: asyncio.Task[bytes]
    done: asyncio.Event = field(default_factory=asyncio.Event)


class StepEngine:
    """An engine behind real HTTP that counts its steps: in each one, every busy slot gets a batch
    of its prompt or a token further. It notices between two steps that a client has left."""

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self.steps = 0
        self.jobs: list[Job] = []
        self.url = ""
        self._busy = asyncio.Event()
        self._serving: list[asyncio.Task[Any]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[StepEngine]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        loop = asyncio.create_task(self._work())
        try:
            yield self
        finally:
            loop.cancel()
            for job in [*self.jobs]:
                job.done.set()
            server.close()
            await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.append(task)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        said = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
        prompt, tokens = map(int, said.split())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        job = Job(prompt, tokens, writer, asyncio.create_task(reader.read()))
        self.jobs.append(job)
        self._busy.set()
        await job.done.wait()
        job.left.cancel()
        await asyncio.gather(job.left, return_exceptions=True)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _work(self) -> None:
        while True:
            await self._busy.wait()
            self.steps += 1
            for job in self.jobs[: self.slots]:
                self._step(job)
            if not self.jobs:
                self._busy.clear()
            for _ in range(20):  # what is written is read, and answered to, before the next step
                await asyncio.sleep(0)

    def _step(self, job: Job) -> None:
        if job.left.done() or job.tokens == 0:
            self.jobs.remove(job)
            job.done.set()
        elif job.prompt:
            job.prompt -= 1
            job.writer.write(_frame(prompt_progress={"processed": 1}, choices=[]))
        else:
            job.tokens -= 1
            finish = None if job.tokens else "stop"
            choice = {"index": 0, "delta": {"content": "a "}, "finish_reason": finish}
            job.writer.write(_frame(choices=[choice]))
            if finish:
                job.writer.write(b"data: [DONE]\n\n")


def _frame(**more: Any) -> bytes:
    frame = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", **more}
    return b"data: " + json.dumps(frame).encode() + b"\n\n"


def asked(size: tuple[int, int], party: Party) -> Request:
    text = Text(f"{size[0]} {size[1]}")
    message = Message("user", (text,))
    sampling = Sampling(max_tokens=size[1])
    return Request("r", "openai.chat", {}, "m", (message,), sampling=sampling, party=party)


def backend_on(client: LocalClient, slots: Slots) -> LocalBackend:
    return LocalBackend(
        model="m",
        dialect=dialects.get("openai.chat"),
        client=lambda: client,
        slots=slots,
        embedded=lambda: NO_MARKERS,
    )


async def client_steps(learning: int) -> tuple[list[int], int, int]:
    """Steps of each of 40 short tasks while so many long ones are due; how many of these were done
    in the end, and how often one was interrupted."""
    async with StepEngine().running() as engine:
        client = LocalClient(engine.url)
        slots = Slots(2, 64, alone=True, rest_s=0.0)
        backend = backend_on(client, slots)
        due = [asyncio.create_task(backend.answer(asked(LONG, LEARNING))) for _ in range(learning)]
        took = []
        for number in range(40):
            for _ in range(number % 7 * 60):
                await asyncio.sleep(0)
            began = engine.steps
            await backend.answer(asked(SHORT, CLIENT))
            took.append(engine.steps - began)
        done = await asyncio.gather(*due)
        await client.close()
        assert slots.running == slots.waiting == 0
        return took, len(done), backend.interrupted


async def test_eight_shadow_runs_cost_a_client_next_to_nothing_and_are_all_done() -> None:
    alone, _, _ = await client_steps(0)
    beside, done, interrupted = await client_steps(8)
    assert done == 8
    assert interrupted > 0, "a client met one of them"
    assert _p95(beside) <= 1.3 * _p95(alone), (sorted(alone), sorted(beside))


def _p95(steps: list[int]) -> int:
    return sorted(steps)[int(0.95 * len(steps))]


def held(slots: Slots, party: Party, seconds: float, log: list[str], name: str) -> Any:
    async def hold() -> None:
        while True:
            try:
                async with slots.take(party):
                    log.append(f"{name} begins")
                    await asyncio.sleep(seconds)
                    log.append(f"{name} ends")
                return
            except Interrupted:
                log.append(f"{name} gives way")

    return asyncio.create_task(hold())


def test_alone_it_runs_at_once_and_gives_way_to_whoever_comes() -> None:
    async def work() -> list[str]:
        slots, log = Slots(2, 9, alone=True, rest_s=1.0), list[str]()
        shadows = [held(slots, LEARNING, 10, log, f"s{i}") for i in range(2)]
        await asyncio.sleep(3)
        await held(slots, CLIENT, 1, log, "client")
        await asyncio.sleep(0.5)
        log.append("rested")
        await asyncio.gather(*shadows)
        return log

    log = virtual.run(work())
    assert log[:2] == ["s0 begins", "s1 begins"]
    assert set(log[2:5]) == {"s0 gives way", "s1 gives way", "client begins"}
    assert log[5:7] == ["client ends", "rested"]
    assert log[-2:] == ["s0 ends", "s1 ends"] or log[-2:] == ["s1 ends", "s0 ends"]


def test_an_engine_with_room_shares_it_and_takes_back_what_a_client_needs() -> None:
    async def work() -> list[str]:
        slots, log = Slots(2, 9), list[str]()
        shadows = [held(slots, LEARNING, 10, log, f"s{i}") for i in range(2)]
        await asyncio.sleep(1)
        await held(slots, CLIENT, 1, log, "client")
        await asyncio.gather(*shadows)
        return log

    log = virtual.run(work())
    assert log.count("s1 gives way") == 1
    assert "s0 gives way" not in log, "the other has its slot to itself"


def test_what_was_interrupted_goes_on_as_soon_as_the_client_has_its_answer() -> None:
    """And not when the client counts no more as one of those who ask, half a minute later."""

    async def learn(slots: Slots) -> float:
        while True:
            try:
                async with slots.take(LEARNING):
                    await asyncio.sleep(5)
                    return asyncio.get_running_loop().time()
            except Interrupted:
                continue

    async def work() -> float:
        slots = Slots(1, 8)
        learning = asyncio.create_task(learn(slots))
        await asyncio.sleep(1)
        async with slots.take(Party("somebody else")):
            await asyncio.sleep(2)
        return await learning

    assert virtual.run(work()) == pytest.approx(8)


def test_a_client_is_never_interrupted_and_learning_waits_its_turn() -> None:
    async def work() -> tuple[list[str], float]:
        slots, log = Slots(1, 9, alone=True, rest_s=0.0), list[str]()
        first = held(slots, CLIENT, 5, log, "first")
        await asyncio.sleep(0)
        shadow = held(slots, LEARNING, 1, log, "shadow")
        second = held(slots, Party("other"), 5, log, "second")
        await asyncio.gather(first, shadow, second)
        return log, asyncio.get_running_loop().time()

    log, seconds = virtual.run(work())
    assert [line for line in log if line.endswith("begins")] == [
        "first begins",
        "second begins",
        "shadow begins",
    ]
    assert seconds == pytest.approx(11, abs=0.1)


def test_who_is_ahead_is_counted_by_turns() -> None:
    async def work() -> tuple[int, int, int]:
        slots, log = Slots(1, 100), list[str]()
        hog = [held(slots, Party("hog"), 1, log, "hog") for _ in range(11)]
        shadow = held(slots, LEARNING, 1, log, "shadow")
        await asyncio.sleep(0)
        counts = slots.ahead(Party("hog")), slots.ahead(Party("new")), slots.ahead(CLIENT)
        await asyncio.gather(*hog, shadow)
        return counts

    assert virtual.run(work()) == (11, 2, 2)


def test_the_forecast_is_what_answers_took_alone() -> None:
    forecast = Forecast()
    assert forecast.wait(9, 1) == forecast.work(1000, 10) == 0.0, "nothing is known"
    forecast.note(Usage(input=100, output=11), first_s=1.0, total_s=2.0, running=1)
    assert forecast.work(200, 512) == pytest.approx(2.0 + 11 * 0.1)
    assert forecast.work(200, 5) == pytest.approx(2.0 + 5 * 0.1)
    assert forecast.wait(1, 2) == 0.0, "there is a free slot"
    assert forecast.wait(2, 2) == pytest.approx(2.0)
    shared = Forecast()
    shared.note(Usage(input=100, output=11), first_s=2.0, total_s=4.0, running=2)
    assert shared.wait(2, 2) == pytest.approx(2.0)


async def test_a_slot_that_would_come_too_late_is_refused_at_once() -> None:
    async with StepEngine(1).running() as engine:
        client, slots = LocalClient(engine.url), Slots(1, 64, 10)
        slots.forecast.note(Usage(input=10, output=10), first_s=1.0, total_s=6.0, running=1)
        backend = backend_on(client, slots)
        async with slots.take(CLIENT):
            waiting = [asyncio.create_task(slots.take(CLIENT).__aenter__()) for _ in range(2)]
            while slots.waiting < 2:
                await asyncio.sleep(0)
            with pytest.raises(EngineBusy, match="in 18 s, and the limit is 10 s") as caught:
                await backend.answer(asked(SHORT, CLIENT))
            assert caught.value.retry_after == pytest.approx(8)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            newcomer = asyncio.create_task(backend.answer(asked(SHORT, Party("new"))))
            while not slots.waiting:
                await asyncio.sleep(0)
        assert (await newcomer).text
        await client.close()
