"""A conversation that held a secret stays on the machine, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "AKIAQ3EGRXQPZ7WJ2YHT"
CHAT = "/v1/chat/completions"
NAMED = {"x-shortstop-conversation": "c-7"}
VECTORS = '\n[upstreams.vendor.models.vectors]\nabilities = ["embeddings"]\n'


def chat(*said: str, model: str = "auto", system: str | None = None) -> dict[str, Any]:
    roles = ("user", "assistant") * len(said)
    messages = [{"role": r, "content": t} for r, t in zip(roles, said, strict=False)]
    before = [] if system is None else [{"role": "system", "content": system}]
    return {"model": model, "messages": [*before, *messages], "max_tokens": 9}


async def post(
    gateway: Gateway, body: dict[str, Any], path: str = CHAT, **headers: str
) -> tuple[int, str]:
    """Status and tier, on a connection of its own."""
    headers["connection"] = "close"
    async with gateway.http.post(path, json=body, headers=headers) as answer:
        await answer.read()
        return answer.status, answer.headers.get("x-shortstop-tier", "")


async def reload(gateway: Gateway) -> None:
    async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
        assert answer.status == 200


async def restart(gateway: Gateway) -> None:
    await gateway.stop()
    await gateway.start()


async def killed(gateway: Gateway) -> None:
    await gateway.kill()
    await gateway.start()


async def nothing(gateway: Gateway) -> None:
    pass


@pytest.mark.parametrize("meanwhile", [nothing, reload, restart, killed])
async def test_a_later_harmless_turn_is_pinned(tmp_path: Path, meanwhile: Any) -> None:
    async with running_gateway(tmp_path) as gateway:
        assert await post(gateway, chat(f"my key is {KEY}"), **NAMED) == (200, "S3")
        await meanwhile(gateway)
        assert await post(gateway, chat("and now?"), **NAMED) == (200, "S3")
        assert await post(gateway, chat("and now?", model="big"), **NAMED) == (200, "S3")
        assert await post(gateway, chat("and now?", model="big")) == (200, "S0")
    assert not [sent for sent in gateway.frontier.received if KEY.encode() in sent]
    assert len(gateway.frontier.received) == 1


@pytest_asyncio.fixture(loop_scope="module")
async def crew(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path, server="workers = 3") as running:
        yield running


async def test_every_worker_knows_at_once(crew: Gateway) -> None:
    """The next request may meet any worker: each has to know before it judges, not after."""
    for i in range(12):
        named = {"x-shortstop-conversation": f"c-{i}"}
        assert await post(crew, chat(f"my key is {KEY}"), **named) == (200, "S3")
        later = chat("and now?", model="big")
        told = await asyncio.gather(*(post(crew, later, **named) for _ in range(6)))
        assert set(told) == {(200, "S3")}
    assert crew.frontier.received == []


async def test_a_dialogue_without_a_name_is_known_by_its_beginning(tmp_path: Path) -> None:
    """A client that leaves turns out of the middle does not shake the taint off."""
    async with running_gateway(tmp_path) as gateway:
        first, secret = "hello there", f"my key is {KEY}"
        assert await post(gateway, chat(first, "hi", secret)) == (200, "S3")
        later = chat(first, "hi", "never mind; and now?", model="big")
        assert await post(gateway, later) == (200, "S3")
        await restart(gateway)
        assert await post(gateway, later) == (200, "S3")
        assert await post(gateway, chat("another", model="big")) == (200, "S0")


async def test_embeddings_counts_and_other_dialects_keep_to_it(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        text = gateway.config_file.read_text() + VECTORS
        claude = '[upstreams.claude]\nbase_url = "{}"\ndialect = "anthropic"\n'
        text += claude.format(gateway.frontier.url) + "[upstreams.claude.models.sonnet]\n"
        gateway.config_file.write_text(text)
        await reload(gateway)
        assert await post(gateway, chat(f"my key is {KEY}"), **NAMED) == (200, "S3")
        vectors = {"model": "vectors", "input": "hello"}
        assert (await post(gateway, vectors, "/v1/embeddings", **NAMED))[0] == 403
        response = {"model": "big", "input": "and now?"}
        assert await post(gateway, response, "/v1/responses", **NAMED) == (200, "S3")
        counted = chat("and now?", model="sonnet")
        assert (await post(gateway, counted, "/v1/messages/count_tokens", **NAMED))[0] == 200
        assert await post(gateway, counted, "/v1/messages", **NAMED) == (200, "S3")
        assert gateway.frontier.received == []
        assert (await post(gateway, vectors, "/v1/embeddings"))[0] == 200


async def test_neither_shadow_nor_replay_nor_memory_takes_it_out(tmp_path: Path) -> None:
    more = "shadow_rate = 1.0\n"
    async with running_gateway(tmp_path, more=more) as gateway:
        await post(gateway, chat(f"my key is {KEY}"), **NAMED)
        retry = {**NAMED, "idempotency-key": "once"}
        for _ in range(2):
            assert await post(gateway, chat("!say and now?"), **retry) == (200, "S3")
        asked = {"model": "auto", "input": "!say kept?"}
        async with gateway.http.post("/v1/responses", json=asked, headers=NAMED) as answer:
            told = await answer.json()
        async with gateway.http.get(f"/v1/responses/{told['id']}") as answer:
            assert answer.status == 404, "an answer of tier S3 is kept nowhere"
        await gateway.stop()
    assert gateway.frontier.received == []
    assert len(gateway.local.received) == 4, "the retry was answered anew, nothing was kept of it"
