"""A reload while requests are being answered: what is kept, what is new, and what a failure leaves.

The gateway is real, in this process; its embedded engines are scripted, so that they start when a
test lets them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shortstop.app.gateway import ANYBODY, Shortstop
from shortstop.app.runtime import Runtime
from shortstop.errors import ConfigError, ModelFileError
from shortstop.types import UNMETERED, Message, Request, Text
from shortstop.workers.addresses import publish
from shortstop.workers.context import WorkerContext
from tests.app.parts import (
    SMALL,
    VENDOR,
    EngineFactory,
    Home,
    ScriptedEngine,
    servers_of,
    soon,
    turns,
)
from tests.server.scripted import ScriptedModel

SOON = "\n[server]\ndrain_seconds = 0.001\n"


@asynccontextmanager
async def running(home: Home, text: str) -> AsyncIterator[Shortstop]:
    home.configure(text)
    gateway = Shortstop(home.config, home.source)
    async with gateway.running():
        yield gateway


def runtime_of(gateway: Shortstop) -> Runtime:
    return gateway._runtime


def asked(text: str, model: str) -> Request:
    return Request("req_1", "openai.chat", {}, model, (Message("user", (Text(text),)),))


# ------------------------------------------------------------ what is kept


async def test_an_engine_whose_section_is_unchanged_goes_on(
    home: Home, factory: EngineFactory
) -> None:
    text = home.embed("small") + home.embed("mid", slots=1)
    async with running(home, text + VENDOR) as gateway:
        before = runtime_of(gateway)
        home.configure(home.embed("small") + home.embed("mid", slots=2) + VENDOR)
        assert await gateway.swap() == "targets: small, mid, big"
        after = runtime_of(gateway)
        assert after is not before
        assert after.engines["small"] is before.engines["small"], "with its client and its queue"
        assert after.engines["mid"] is not before.engines["mid"]
        assert after.engines["mid"].slots.slots == 2
    assert [engine.starts for engine in factory.made] == [1, 1, 1], "the unchanged one only once"
    assert factory.alive == []


async def test_what_was_learned_goes_on(home: Home) -> None:
    async with running(home, SMALL + VENDOR) as gateway:
        state = runtime_of(gateway).learned.state
        await gateway.swap()
        assert runtime_of(gateway).learned.state is state


async def test_files_and_accounts_are_not_opened_again(home: Home) -> None:
    async with running(home, SMALL + VENDOR) as gateway:
        accounts, before = gateway.accounts, home.open_files()
        await gateway.swap()
        assert gateway.accounts is accounts
        assert home.open_files() == before


# ------------------------------------------------------------ what becomes of the old


async def test_a_replaced_engine_serves_until_the_drain_time_is_over(
    home: Home, factory: EngineFactory
) -> None:
    async with running(home, home.embed(slots=1)) as gateway:
        home.configure(home.embed(slots=2))
        await gateway.swap()
        await turns()
        old, new = factory.made
        assert (old.state, new.state) == ("ready", "ready")


async def test_a_replaced_engine_is_stopped_after_the_drain_time(
    home: Home, factory: EngineFactory
) -> None:
    async with running(home, home.embed(slots=1) + SOON) as gateway:
        home.configure(home.embed(slots=2) + SOON)
        await gateway.swap()
        await soon(factory.made[0].stopped)
        assert factory.made[1].state == "ready"
        assert gateway.readiness().engines == {"small": "ready"}


async def test_a_model_that_the_file_no_longer_names_is_stopped(
    home: Home, factory: EngineFactory
) -> None:
    async with running(home, home.embed("small") + home.embed("mid") + SOON) as gateway:
        home.configure(home.embed("small") + SOON)
        await gateway.swap()
        small, mid = factory.made
        await soon(mid.stopped)
        await turns()
        assert small.state == "ready"
        assert list(gateway.targets) == ["small", "static"]


async def test_requests_under_way_finish_where_they_are(home: Home) -> None:
    async with ScriptedModel("old").running() as old, ScriptedModel("new").running() as new:
        section = '[models.small]\nurl = "{}/v1"\n'
        async with running(home, section.format(old.url) + SOON) as gateway:
            request = asked("!wait done", "small")
            answering = asyncio.create_task(gateway.answer(request, ANYBODY, UNMETERED))
            await soon(old.asked)
            home.configure(section.format(new.url) + SOON)
            await gateway.swap()
            later = await gateway.answer(asked("!say later", "small"), ANYBODY, UNMETERED)
            old.go.set()
            answer = await answering
    assert answer.reply is not None
    assert answer.reply.text == "done"
    assert later.reply is not None
    assert later.reply.text == "later"
    assert [len(model.received) for model in (old, new)] == [1, 1]


async def test_the_end_does_not_wait_for_the_drain_time_of_a_reload(
    home: Home, factory: EngineFactory
) -> None:
    """Nothing is left behind: not the engine that a moment ago was still draining."""
    async with running(home, home.embed(slots=1)) as gateway:
        home.configure(home.embed(slots=2))
        await gateway.swap()
    assert [engine.state for engine in factory.made] == ["stopped", "stopped"]


# ------------------------------------------------------------ failures


async def refused(gateway: Shortstop, error: type[Exception], match: str) -> None:
    """The reload fails, and nothing has changed."""
    runtime, readiness = runtime_of(gateway), gateway.readiness()
    with pytest.raises(error, match=match):
        await gateway.swap()
    assert runtime_of(gateway) is runtime
    assert gateway.readiness() == readiness


async def test_when_a_new_engine_does_not_start_the_old_ones_go_on(
    home: Home, factory: EngineFactory
) -> None:
    async with running(home, home.embed(slots=1)) as gateway:
        home.configure(home.embed(slots=2) + home.embed("mid") + VENDOR)
        factory.error = ModelFileError("damaged")
        await refused(gateway, ModelFileError, "damaged")
        old, *new = factory.made
        assert old.state == "ready"
        assert [engine.state for engine in new] == ["stopped", "stopped"]
        assert list(gateway.targets) == ["small", "static"]
        factory.error = None
        await gateway.swap()
        assert list(gateway.targets) == ["small", "mid", "big", "static"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[server", "not valid TOML"),
        ("[models.small]\nslots = 0\n", r"line 2.*slots"),
        (SMALL + VENDOR.replace("api_key_env", 'dialect = "latin"\napi_key_env'), "'latin'"),
        (SMALL + VENDOR.replace("VENDOR_KEY", "UNSET_KEY"), "UNSET_KEY is not set"),
        ('[models.small]\nsource = "nobody/has-this"\n', "not installed"),
        (SMALL + VENDOR + "[traces]\nretention_days = 200\n", r"`traces\.retention_days`.*restart"),
    ],
)
async def test_a_file_that_cannot_be_used_changes_nothing(
    home: Home, text: str, match: str
) -> None:
    async with running(home, SMALL + VENDOR) as gateway:
        home.configure(text)
        await refused(gateway, ConfigError, match)


# ------------------------------------------------------------ two at once


async def test_two_reloads_at_once_are_one_after_the_other(
    home: Home, factory: EngineFactory
) -> None:
    """The second replaces what the first has built, and nothing of the first is left running."""
    async with running(home, home.embed(slots=1) + SOON) as gateway:
        factory.waits = True
        home.configure(home.embed(slots=2) + SOON)
        reloads = [asyncio.create_task(gateway.swap())]
        second = await factory.until(2)
        await soon(second.starting)
        home.configure(home.embed(slots=3) + SOON)
        reloads.append(asyncio.create_task(gateway.swap()))
        await turns()
        assert len(factory.made) == 2, "the second has not begun"
        second.may_start.set()
        third = await factory.until(3)
        third.may_start.set()
        await asyncio.gather(*reloads)
        assert runtime_of(gateway).engines["small"].slots.slots == 3
        await soon(*(engine.stopped for engine in factory.made[:2]))
        assert factory.alive == [third]
    assert factory.alive == []


async def test_the_same_file_read_twice_at_once_starts_one_engine(
    home: Home, factory: EngineFactory
) -> None:
    async with running(home, home.embed(slots=1)) as gateway:
        home.configure(home.embed(slots=2))
        await asyncio.gather(gateway.swap(), gateway.swap())
        assert len(factory.made) == 2
        assert gateway.readiness().engines == {"small": "ready"}


async def test_an_engine_that_a_reload_brings_back_is_not_the_one_that_is_going(
    home: Home, factory: EngineFactory
) -> None:
    async with running(home, home.embed(slots=1) + SOON) as gateway:
        factory.waits = True
        home.configure(home.embed(slots=2) + SOON)
        away = asyncio.create_task(gateway.swap())
        second = await factory.until(2)
        await soon(second.starting)
        home.configure(home.embed(slots=1) + SOON)
        back = asyncio.create_task(gateway.swap())
        await turns()
        second.may_start.set()
        third = await factory.until(3)
        third.may_start.set()
        await asyncio.gather(away, back)
        await soon(*(engine.stopped for engine in factory.made[:2]))
        assert runtime_of(gateway).engines["small"].server is third
        assert gateway.readiness().engines == {"small": "ready"}


# ------------------------------------------------------------ with workers


class Signals:
    """Stands in for `os.kill`."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int]] = []

    def __call__(self, pid: int, number: int) -> None:
        self.sent.append((pid, number))


async def test_a_worker_has_the_supervisor_reload_all_of_them(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = Signals()
    monkeypatch.setattr("shortstop.app.reload.os.kill", signals)
    home.configure(home.embed() + VENDOR)
    folder = home.folder / "run"
    engine = ScriptedEngine()
    folder.mkdir()
    publish(folder, servers_of({"small": engine}))
    gateway = Shortstop(home.config, home.source, WorkerContext(folder, 1))
    async with gateway.running():
        before = runtime_of(gateway)
        assert await gateway.reload() == "all workers are reading the file again"
        assert signals.sent == [(os.getppid(), signal.SIGHUP)]
        assert runtime_of(gateway) is before, "this one reloads when it gets the signal itself"
        home.configure("[server")
        with pytest.raises(ConfigError):
            await gateway.reload()
        assert len(signals.sent) == 1, "a bad file troubles nobody"


async def test_without_workers_a_reload_is_this_process_alone(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = Signals()
    monkeypatch.setattr("shortstop.app.reload.os.kill", signals)
    async with running(home, SMALL) as gateway:
        home.configure(SMALL + VENDOR)
        assert await gateway.reload() == "targets: small, big"
    assert signals.sent == []
