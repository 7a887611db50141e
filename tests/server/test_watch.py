"""A client that leaves stops the work; one that stays, or has its answer, does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shortstop.server import watch as module
from shortstop.server.watch import Watch


class Client:
    """An ASGI `receive` that blocks until the client does something."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.listened = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        self.listened.set()
        return await self.messages.get()

    def leave(self) -> None:
        self.messages.put_nowait({"type": "http.disconnect"})


async def served(client: Client, answered: asyncio.Event) -> Watch:
    """Work that ends when it is answered; cancelled when the client leaves first."""
    task = asyncio.current_task()
    assert task is not None
    watch = Watch(client.receive, task)
    try:
        await answered.wait()
    except asyncio.CancelledError:
        if not watch.gone:
            raise
    finally:
        watch.stop()
    return watch


async def test_a_client_that_leaves_cancels_the_work() -> None:
    client, answered = Client(), asyncio.Event()
    task = asyncio.create_task(served(client, answered))
    await client.listened.wait()
    client.messages.put_nowait({"type": "http.request"})  # a client may still be sending
    client.leave()
    watch = await asyncio.wait_for(task, 10)
    assert watch.gone
    assert not answered.is_set()


async def test_a_client_that_left_before_listening_began_is_noticed() -> None:
    client = Client()
    client.leave()
    watch = await asyncio.wait_for(served(client, asyncio.Event()), 10)
    assert watch.gone


async def test_a_cancellation_from_elsewhere_is_no_departure() -> None:
    client = Client()
    task = asyncio.create_task(served(client, asyncio.Event()))
    await client.listened.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_after_the_answer_nothing_is_cancelled() -> None:
    client, answered = Client(), asyncio.Event()
    task = asyncio.create_task(served(client, answered))
    await client.listened.wait()
    answered.set()
    watch = await task
    client.leave()
    await asyncio.sleep(0)
    assert not watch.gone


async def test_a_quick_answer_costs_no_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow = Client(), Client()
    answered = asyncio.Event()
    answered.set()
    await served(quick, answered)
    monkeypatch.setattr(module, "WATCH_AFTER", 2 * module.WATCH_AFTER)
    task = asyncio.create_task(served(slow, asyncio.Event()))
    await slow.listened.wait()  # by now the first would have listened, too
    assert not quick.listened.is_set()
    slow.leave()
    await task
