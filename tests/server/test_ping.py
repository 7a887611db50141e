"""An idle stream is kept alive; one that has not begun, or is busy, is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from shortstop.server.ping import PING, Pinger


class Timer:
    def __init__(self, due: float, work: Callable[[], None]) -> None:
        self.due, self.work = due, work
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """An event loop whose time is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, work: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + seconds, work))
        return self.timers[-1]

    def create_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Sending never waits here, so it ends at once."""
        with pytest.raises(StopIteration):
            work.send(None)

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [t for t in self.timers if t.due <= end and not t.cancelled]:
            timer = min(due, key=lambda t: t.due)
            self.timers.remove(timer)
            self.now = timer.due
            timer.work()
        self.now = end


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


@pytest.fixture
def sent() -> list[bytes]:
    return []


@pytest.fixture
def pinger(loop: Loop, sent: list[bytes]) -> Pinger:
    async def send(data: bytes) -> None:
        sent.append(data)

    return Pinger(send, 10.0)


def test_an_idle_stream_gets_a_comment_every_so_many_seconds(
    loop: Loop, sent: list[bytes], pinger: Pinger
) -> None:
    pinger.touch()
    loop.advance(9.9)
    assert sent == []
    loop.advance(0.1)
    assert sent == [PING]
    loop.advance(20)
    assert sent == [PING] * 3


def test_clients_skip_it() -> None:
    """A line that begins with a colon, and a blank one, in the format of event streams."""
    assert PING.startswith(b":")
    assert PING.endswith(b"\n\n")
    assert b"data" not in PING


def test_nothing_is_sent_before_the_head(loop: Loop, sent: list[bytes], pinger: Pinger) -> None:
    loop.advance(1000)
    assert sent == []
    pinger.touch()
    loop.advance(20)
    assert sent


def test_a_busy_stream_needs_none(loop: Loop, sent: list[bytes], pinger: Pinger) -> None:
    for _ in range(100):
        pinger.touch()
        loop.advance(9)
    assert sent == []
    loop.advance(1)
    assert sent == [PING], "ten seconds after the last touch, not after the last look"


def test_after_the_end_nothing_follows(loop: Loop, sent: list[bytes], pinger: Pinger) -> None:
    pinger.touch()
    loop.advance(15)
    pinger.stop()
    loop.advance(1000)
    assert sent == [PING]
    assert all(timer.cancelled for timer in loop.timers)
