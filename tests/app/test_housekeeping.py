"""What has had its time is deleted while the gateway runs, asked or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from shortstop.accounts import KeptAnswer
from shortstop.app import housekeeping
from shortstop.app.gateway import Shortstop
from shortstop.errors import StoreUnavailable
from shortstop.workers.context import WorkerContext
from tests.app.parts import Home


async def test_the_house_is_kept_while_the_gateway_runs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr("shortstop.accounts.idempotency.KEPT_SECONDS", -1.0)
    gateway = Shortstop(home.config, home.source)
    answers = gateway.accounts.answers
    answers.claim("me", "t", b"asked")
    answers.keep("me", "t", KeptAnswer(200, [], b"x" * 999))
    swept, sweep = asyncio.Event(), answers.sweep
    loop = asyncio.get_running_loop()

    def watched() -> int:
        count = sweep()
        if count:
            loop.call_soon_threadsafe(swept.set)
        return count

    monkeypatch.setattr(answers, "sweep", watched)
    async with gateway.running(), asyncio.timeout(10):
        await swept.wait()


async def test_a_store_out_of_reach_is_said_and_tried_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(housekeeping, "SWEEP_SECONDS", 0.0)
    gateway = Shortstop(home.config, home.source)
    tries, enough = 0, asyncio.Event()
    loop = asyncio.get_running_loop()

    def down() -> int:
        nonlocal tries
        tries += 1
        if tries == 3:
            loop.call_soon_threadsafe(enough.set)
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(gateway.accounts.answers, "sweep", down)
    async with gateway.running(), asyncio.timeout(10):
        await enough.wait()
    assert "kept answers stay longer: The disk is full." in caplog.text


async def test_one_of_several_workers_keeps_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    async def keep(resources: object, runs: object) -> None:
        asked.append(resources)

    monkeypatch.setattr("shortstop.app.chores.keep_house", keep)
    for index in (0, 1):
        workers = WorkerContext(home.folder / "run", index)
        async with Shortstop(home.config, home.source, workers).running():
            await asyncio.sleep(0)
        assert len(asked) == 1


@pytest.mark.parametrize("leads", [True, False])
async def test_of_several_machines_the_one_that_leads_sweeps_what_they_share(
    leads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[str] = []

    def sweeping(name: str) -> Callable[[], int]:
        return lambda: bool(swept.append(name))

    monkeypatch.setattr(housekeeping, "SWEEP_SECONDS", 3600.0)
    names = ("answers", "responses", "batches", "vault")
    stores = {name: SimpleNamespace(sweep=sweeping(name)) for name in names}
    stores["responses"].seal_earlier = sweeping("sealed")
    resources: Any = SimpleNamespace(
        accounts=SimpleNamespace(answers=stores["answers"]),
        responses=stores["responses"],
        batching=SimpleNamespace(batches=stores["batches"]),
        vault=stores["vault"],
        leads=lambda: leads,
    )
    task = asyncio.create_task(housekeeping.keep_house(resources, sweeping("runs")))
    async with asyncio.timeout(10):
        while swept[-1:] != (["runs"] if leads else ["vault"]):
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    task.cancel()
    shared = ["answers", "responses", "runs"] if leads else []
    assert swept == ["sealed", "batches", "vault", *shared]
