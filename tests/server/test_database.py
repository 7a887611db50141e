"""A gateway with stores in PostgreSQL: it serves while the database is away, and loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import PostgresServer, running
from tests.server.conftest import LESSON, Gateway, running_gateway
from tests.server.scripted import ScriptedModel

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One of its own: it is stopped."""
    with running() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database() as url:
        yield url


def section(url: str) -> str:
    return f'[store]\nurl = "{url}"\n'


EARLIER = (
    {"role": "user", "content": "What is a lighthouse for?"},
    {"role": "assistant", "content": "It warns ships of rocks."},
)


async def ask(
    gateway: Gateway,
    text: str,
    key: str = "",
    model: str = "small",
    earlier: tuple[dict[str, str], ...] = (),
) -> tuple[int, dict[str, Any]]:
    messages = [*earlier, {"role": "user", "content": f"!say {text}"}]
    body = {"model": model, "messages": messages}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def ready(gateway: Gateway, headers: dict[str, str] | None = None) -> dict[str, Any]:
    async with gateway.http.get("/ready", headers=headers) as answer:
        return dict(await answer.json())


async def in_the_end(gateway: Gateway, state: str) -> dict[str, Any]:
    """What /ready says of the rows as soon as it is that."""
    async with asyncio.timeout(30):
        while (traces := (await ready(gateway))["traces"])["state"] != state:
            await asyncio.sleep(0.05)
    return dict(traces)


def command(gateway: Gateway, *words: str) -> str:
    env = {**os.environ, "SHORTSTOP_HOME": str(gateway.home), "VENDOR_KEY": "k"}
    done = subprocess.run(
        [sys.executable, "-m", "shortstop", *words, "--config", str(gateway.config_file)],
        env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


async def made_key(gateway: Gateway) -> str:
    """By the command line: the gateway knows it within a second."""
    key = next(w for w in command(gateway, "keys", "create", "app").split() if "sk-ss-" in w)
    await asyncio.sleep(1.1)
    return key


async def test_an_outage_loses_no_row_and_locks_out_no_known_key(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    async with running_gateway(tmp_path, more=section(url)) as gateway:
        assert not list(tmp_path.glob("*.db")), "nothing is kept in files"
        key = await made_key(gateway)
        assert (await ask(gateway, "before", key))[0] == 200
        assert (await ask(gateway, "x", "sk-ss-unknown"))[0] == 401
        with server.away():
            for i in range(5):
                status, answer = await ask(gateway, f"during {i}", key)
                assert status == 200, answer
            await asyncio.sleep(1.1)  # then it asks whether there are new keys
            status, answer = await ask(gateway, "x", "sk-ss-unknown")
            assert status == 503, answer
            assert answer["error"]["code"] == "store_unreachable"
            assert (await ask(gateway, "during 5", key))[0] == 200
            left = len(gateway.frontier.received)
            held = "what it held is not known"
            status, answer = await ask(gateway, held, key, "big", EARLIER)
            assert status == 200, "the local model answers in its place"
            assert len(gateway.frontier.received) == left
            assert (await ask(gateway, "nothing is before it", key, "big"))[0] == 200
            assert len(gateway.frontier.received) == left + 1
            traces = await in_the_end(gateway, "degraded")
            assert "cannot be reached" in traces["detail"]
            assert traces["pending"] >= 6
            assert (await ready(gateway))["ready"], "it serves"
        await in_the_end(gateway, "ok")
        assert (await ask(gateway, "after", key))[0] == 200
        report = command(gateway, "report", "--json")
    assert json.loads(report)["total"]["requests"] == 10


async def test_rows_that_wait_outlive_the_gateway(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    """kill -9 during an outage; the next gateway writes what the first one had acknowledged."""
    name = url.partition("@/")[2].partition("?")[0]
    async with running_gateway(tmp_path, more=section(url)) as gateway:
        key = await made_key(gateway)
        assert (await ask(gateway, "before", key))[0] == 200
        with server.away():
            for i in range(5):
                assert (await ask(gateway, f"row {i}", key))[0] == 200
            await gateway.kill()
        await gateway.start()
        assert await in_the_end(gateway, "ok")
        async with asyncio.timeout(20):
            while server.sql("SELECT count(*) FROM traces", name) != [(6,)]:
                await asyncio.sleep(0.05)


async def test_a_gateway_waits_for_its_database_and_workers_share_it(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    async with ScriptedModel("small").running() as local, ScriptedModel("big").running() as far:
        gateway = Gateway(tmp_path, local, far)
        gateway.configure("workers = 2", section(url))
        with server.away():
            starting = asyncio.create_task(gateway.start())
            while b"waits for its database" not in gateway.log:
                await asyncio.sleep(0.05)
                assert not starting.done()
        await starting
        try:
            answers = await asyncio.gather(*(ask(gateway, str(i)) for i in range(8)))
            assert {status for status, _ in answers} == {200}
        finally:
            await gateway.stop()
    name = url.partition("@/")[2].partition("?")[0]
    assert server.sql("SELECT count(*) FROM traces", name) == [(8,)]
    assert b"cannot be reached" in gateway.log


async def test_a_password_that_is_refused_ends_the_start_with_a_sentence(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    async with ScriptedModel("small").running() as local, ScriptedModel("big").running() as far:
        gateway = Gateway(tmp_path, local, far)
        gateway.configure(more=section(url.replace("shortstop@", "guarded@")))
        env = {**os.environ, "SHORTSTOP_HOME": str(tmp_path), "SHORTSTOP_STORE_PASSWORD": "hunter2"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shortstop", "serve", "--config", str(gateway.config_file),
            env=env, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            _, said = await process.communicate()
    assert process.returncode != 0
    assert b"refuses this user or password" in said
    assert b"Traceback" not in said
    assert b"hunter2" not in said


async def test_two_machines_have_the_same_keys_and_rows(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    homes = [tmp_path / name for name in "ab"]
    for home in homes:
        home.mkdir()
    async with (
        running_gateway(homes[0], more=section(url)) as one,
        running_gateway(homes[1], more=section(url)) as other,
    ):
        key = await made_key(one)
        assert [(await ask(gateway, "hello", key))[0] for gateway in (one, other)] == [200, 200]
        command(other, "keys", "revoke", "app")
        await asyncio.sleep(1.1)
        assert [(await ask(gateway, "hello", key))[0] for gateway in (one, other)] == [401, 401]
    assert json.loads(command(one, "report", "--json"))["total"]["requests"] >= 2


async def heard_all(gateway: Gateway) -> None:
    """Everything that was published before this call."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(30):
        while True:
            behind = (await ready(gateway))["replica"]["behind_seconds"]
            if behind < asyncio.get_running_loop().time() - began:
                return
            await asyncio.sleep(0.05)


async def targets(gateway: Gateway) -> set[str]:
    """Who answers what the machines were taught."""
    answered = set()
    for i in range(6):
        content = {"role": "user", "content": f"!say again {i}"}
        body = {"model": "auto", "messages": [*LESSON, content]}
        async with gateway.http.post("/v1/chat/completions", json=body) as answer:
            answered.add(answer.headers["x-shortstop-target"])
    return answered


async def test_what_one_machine_learns_all_know(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of another machine too, after a restart too; one of them leads."""
    monkeypatch.setenv("SHORTSTOP_TRACES_KEY", "one key for all machines")
    homes = [tmp_path / name for name in "ab"]
    for home in homes:
        home.mkdir()
    async with running_gateway(homes[1], "workers = 2", section(url)) as other:
        async with running_gateway(homes[0], more=section(url)) as one:
            await one.teach()
            assert await targets(one) == {"small"}
            assert (await ready(one))["replica"]["leads"] is False
            async with asyncio.timeout(30):  # whichever worker is met
                while not (await ready(other, {"connection": "close"}))["replica"]["leads"]:
                    await asyncio.sleep(0.05)
        await heard_all(other)
        assert await targets(other) == {"small"}
        await other.kill()
        shutil.rmtree(homes[1] / "news")
        await other.start()
        assert await targets(other) == {"small"}, "the database remembers"
