"""Several workers of one machine: one queue, one set of limits, one memory; none is missed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def crew(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path, server="workers = 3") as running:
        yield running


def workers(gateway: Gateway) -> list[int]:
    assert gateway.process is not None
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def asked(said: str = "!say yes", model: str = "big", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": said}]
    return {"model": model, "messages": messages, "max_tokens": 20, **more}


async def post(gateway: Gateway, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
    """On a connection of its own, so that any worker may take it."""
    headers["connection"] = "close"
    async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_all_workers_answer_and_count_together(crew: Gateway) -> None:
    assert len(workers(crew)) == 3
    done = await asyncio.gather(*(post(crew, asked(f"!say {i}")) for i in range(60)))
    assert {status for status, _ in done} == {200}
    assert [a["choices"][0]["message"]["content"] for _, a in done] == [str(i) for i in range(60)]
    async with asyncio.timeout(5):
        while await counted(crew) < 60:
            await asyncio.sleep(0.05)
    assert await counted(crew) == 60


async def counted(crew: Gateway) -> float:
    async with crew.http.get("/metrics") as answer:
        text = await answer.text()
    assert "shortstop_engine_running" in text
    found = re.findall(r'^shortstop_requests_total\{.*outcome="ok".*\} (\S+)$', text, re.M)
    return sum(map(float, found))


async def test_a_killed_worker_loses_nothing_acknowledged_and_is_replaced(crew: Gateway) -> None:
    before = set(workers(crew))
    victims = iter(before)
    acknowledged = 0

    async def one(i: int) -> int:
        try:
            status, _ = await post(crew, asked(f"!say {i}"))
        except (OSError, aiohttp.ClientError):
            return 0
        return int(status == 200)

    for round_ in range(6):
        if round_ in (1, 3):
            os.kill(next(victims), signal.SIGKILL)
        acknowledged += sum(await asyncio.gather(*(one(i) for i in range(30))))
    assert acknowledged >= 6 * 30 - 60
    async with asyncio.timeout(20):
        while (
            len(set(workers(crew)) - before) < 2 or crew.rows().count(("ok", "big")) < acknowledged
        ):
            await asyncio.sleep(0.05)
    with sqlite3.connect(crew.home / "traces.db") as db:
        assert db.execute("SELECT COUNT(*) = COUNT(DISTINCT id) FROM traces").fetchone() == (1,)


async def test_limits_hold_across_workers(crew: Gateway) -> None:
    async with crew.http.post(
        "/admin/keys", json={"name": "k", "rpm": 10}, headers=crew.admin
    ) as answer:
        secret = (await answer.json())["secret"]
    await asyncio.sleep(1.1)  # a new key is known to every worker within a second
    done = await asyncio.gather(
        *(post(crew, asked(), authorization=f"Bearer {secret}") for _ in range(40))
    )
    statuses = [status for status, _ in done]
    assert statuses.count(200) == 10
    assert statuses.count(429) == 30


async def test_two_hundred_requests_on_four_workers_do_not_overshoot_a_budget(
    tmp_path: Path,
) -> None:
    patient = "[privacy]\ntimeout = 60\n"  # a busy machine pins what it cannot judge in time
    async with running_gateway(tmp_path, server="workers = 4", more=patient) as gateway:
        grant = {"name": "k", "budget_usd": "0.002", "period": "total"}
        async with gateway.http.post("/admin/keys", json=grant, headers=gateway.admin) as answer:
            key = await answer.json()
        await asyncio.sleep(1.1)
        headers = {"authorization": f"Bearer {key['secret']}"}
        done = await asyncio.gather(*(post(gateway, asked(), **headers) for _ in range(200)))
        statuses = [status for status, _ in done]
        assert set(statuses) == {200, 429}
        async with gateway.http.get(f"/admin/keys/{key['id']}", headers=gateway.admin) as answer:
            told = await answer.json()
        assert Decimal(told["held_usd"]) == 0
        assert 0 < Decimal(told["spent_usd"]) <= Decimal("0.002")
        await gateway.stop()
        with sqlite3.connect(gateway.home / "traces.db") as db:
            billed = db.execute("SELECT SUM(cost_pico) FROM traces WHERE outcome = 'ok'").fetchone()
        assert Decimal(billed[0]) / 10**12 == Decimal(told["spent_usd"]), "the purse is the books"


async def test_the_engine_queue_is_one(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, server="workers = 3") as gateway:
        text = gateway.config_file.read_text()
        gateway.config_file.write_text(
            text.replace("context = 4096", "context = 4096\nslots = 2\nqueue = 1")
        )
        await gateway.stop()
        await gateway.start()
        hanging = [
            asyncio.create_task(post(gateway, asked("!hang", model="small"))) for _ in range(3)
        ]
        async with asyncio.timeout(10):
            while len(gateway.local.received) < 2:
                gateway.local.asked.clear()
                await gateway.local.asked.wait()
            while "running 2.0" not in await _engine(gateway) or "waiting 1.0" not in await _engine(
                gateway
            ):
                pass
        status, told = await post(gateway, asked("one more", model="small"))
        assert status in (200, 503), told
        assert len(gateway.local.received) == 2, "the third waits, the fourth went elsewhere"
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        async with asyncio.timeout(5):
            while "running 0.0" not in await _engine(gateway):
                pass


async def _engine(gateway: Gateway) -> str:
    async with gateway.http.get("/metrics") as answer:
        text = await answer.text()
    return " ".join(line for line in text.splitlines() if line.startswith("shortstop_engine"))


async def test_what_one_worker_learns_all_know(crew: Gateway) -> None:
    """Forty compared answers, spread over three workers, convince each of them."""
    await crew.teach()
    targets = set()
    for i in range(12):
        body = asked(f"!say again {i}", model="auto")
        body["messages"].insert(0, {"role": "system", "content": "You repeat what you are told."})
        headers = {"connection": "close"}
        async with crew.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
            targets.add(answer.headers["x-shortstop-target"])
    assert targets == {"small"}


async def test_reload_reaches_every_worker(crew: Gateway) -> None:
    crew.configure(server="workers = 3\nmax_body_mb = 0.001")
    async with crew.http.post("/admin/reload", headers=crew.admin) as answer:
        assert answer.status == 200
    async with asyncio.timeout(10):
        while crew.log.count(b"configuration reloaded") < 3:
            await asyncio.sleep(0.02)
    statuses = {(await post(crew, asked("x" * 2000)))[0] for _ in range(12)}
    assert statuses == {413}


async def test_the_supervisor_leaves_nobody_behind(crew: Gateway) -> None:
    left = workers(crew)
    await crew.kill()
    async with asyncio.timeout(15):
        while any(Path(f"/proc/{pid}").exists() and _lives(pid) for pid in left):
            await asyncio.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def test_two_supervisors_do_not_share_a_home(crew: Gateway) -> None:
    second = Gateway(crew.home, crew.local, crew.frontier)
    with pytest.raises(AssertionError, match="Another gateway uses the data folder"):
        await second.start()
