"""Gateways whose database answers later than requests wait for what they can go on without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from bench.database_proxy import DatabaseProxy

from tests.postgres import PostgresServer, running
from tests.server.conftest import Gateway, running_gateway

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

LATE = 0.35
SAID = {"role": "user", "content": "!say x"}
KEY = "AKIAQ3EGRXQPZ7WJ2YHT"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as server:
        yield server


class Machines:
    def __init__(self, one: Gateway, other: Gateway, proxy: DatabaseProxy) -> None:
        self.both, self.proxy = (one, other), proxy


@pytest_asyncio.fixture(loop_scope="module")
async def machines(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Machines]:
    monkeypatch.setenv("SHORTSTOP_TRACES_KEY", "one key for both machines")
    async with AsyncExitStack() as stack:
        name = stack.enter_context(server.database()).partition("@/")[2].partition("?")[0]
        proxy = DatabaseProxy(server.folder)
        await stack.enter_async_context(proxy.running())
        url = f"postgresql://shortstop@127.0.0.1:{proxy.port}/{name}?sslmode=disable"
        gateways = []
        for number in range(2):
            home = tmp_path / str(number)
            home.mkdir()
            run = running_gateway(home, more=f'[store]\nurl = "{url}"\n')
            gateways.append(await stack.enter_async_context(run))
        yield Machines(gateways[0], gateways[1], proxy)


async def post(gateway: Gateway, path: str, body: dict[str, Any], **headers: str) -> Any:
    async with gateway.http.post(path, json=body, headers=headers) as answer:
        said = await answer.json()
        assert answer.status == 200, said
        return said, answer.headers["x-shortstop-tier"]


async def test_a_stored_response_is_gone_on_from_at_another_machine(machines: Machines) -> None:
    """A pinned one would not be kept, and the next turn refused."""
    machines.proxy.delay = LATE
    previous: dict[str, str] = {}
    for turn in range(4):
        body = {"model": "big", "input": f"!say {turn}", **previous}
        said, _ = await post(machines.both[turn % 2], "/v1/responses", body)
        previous = {"previous_response_id": said["id"]}


async def test_who_has_an_answer_is_known_at_the_other_machine_at_once(machines: Machines) -> None:
    """Its turns are not sent again: the conversation's name is all that the other one sees."""
    one, other = machines.both
    for number in range(5):
        named = {"x-shortstop-conversation": f"c-{number}"}
        for gateway in (one, other):
            body = {"model": "small", "messages": [SAID]}
            await post(gateway, "/v1/chat/completions", body, **named)
        told = {"role": "user", "content": f"!say my key is {KEY}"}
        body = {"model": "small", "messages": [told]}
        assert (await post(one, "/v1/chat/completions", body, **named))[1] == "S3"
        body = {"model": "small", "messages": [SAID]}
        assert (await post(other, "/v1/chat/completions", body, **named))[1] == "S3"
        await asyncio.sleep(0.07 * number)
