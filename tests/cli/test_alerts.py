"""`shortstop alerts test`: says what came back, and fails where somebody was not told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.receiver import Receiver
from tests.cli.conftest import Shortstop

CONFIG = """
[models.small]
url = "http://127.0.0.1:9/v1"
[alerts]
webhook_url = "{url}/hook"
slack_url_env = "SLACK"
timeout = 0.5
"""


@pytest.fixture
def receiver(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """In a thread: the command has an event loop of its own."""
    receiver, ready, done = Receiver(), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with receiver.running():
            ready.set()
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    (home / "shortstop.toml").write_text(CONFIG.format(url=receiver.url))
    monkeypatch.setenv("SHORTSTOP_ALERTS_SECRET", "s3cret")
    monkeypatch.setenv("SLACK", f"{receiver.url}/slack")
    yield receiver
    loops[0].call_soon_threadsafe(done.set)
    thread.join(10)


def test_it_says_what_came_back(shortstop: Shortstop, receiver: Receiver) -> None:
    result = shortstop("alerts", "test")
    assert (result.code, result.err) == (0, "")
    assert result.out == "webhook: taken, status 200: ok\nslack: taken, status 200: ok\n"
    assert receiver.told[0]["type"] == "alert.test"
    assert [first.split()[1] for first, _, _ in receiver.heard] == ["/hook", "/slack"]


def test_who_is_not_told_is_a_failure(shortstop: Shortstop, receiver: Receiver) -> None:
    receiver.manner = "redirects"
    result = shortstop("alerts", "test")
    assert result.code == 1
    assert "webhook: not taken, status 302, a redirect, which is not followed" in result.out
    assert "s3cret" not in result.out + result.err


def test_nobody_is_configured(shortstop: Shortstop, home: Path) -> None:
    (home / "shortstop.toml").write_text('[models.small]\nurl = "http://127.0.0.1:9/v1"\n')
    result = shortstop("alerts", "test")
    assert result.code == 2
    assert "webhook_url" in result.err
