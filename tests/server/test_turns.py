"""A hot route: what stands before the work, and whose turn it is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from tests.server.conftest import Gateway, running_gateway
from tests.server.test_accounts import made
from tests.server.test_gateway import chat


async def test_only_post_is_answered_and_in_the_dialect(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for path in ("/v1/chat/completions", "/v1/messages", "/v1/embeddings"):
            async with gateway.http.get(path) as answer:
                assert (answer.status, answer.headers["allow"]) == (405, "POST")
                assert "GET is not allowed" in (await answer.json())["error"]["message"]


async def test_a_key_that_fills_the_engine_and_its_queue_refuses_nobody_else(
    tmp_path: Path,
) -> None:
    """Eight slots and a queue of 64 are full of one key's requests, which never end."""
    async with running_gateway(tmp_path) as gateway, unlimited(gateway) as http:
        hog, victim = [await secret(gateway, tenant) for tenant in ("hog", "victim")]
        flood = [
            asyncio.create_task(ask(http, hog, chat("!hang", model="local"))) for _ in range(100)
        ]
        refused = [await status for status in first(flood, 28)]
        assert refused == [503] * 28
        assert await ask(http, victim, chat("!say hi", model="big")) == 200
        waiting = asyncio.create_task(ask(http, victim, chat("!say hi", model="local")))
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done(), "it waits for its turn instead of being refused"
        for task in [task for task in flood if not task.done()][:16]:
            task.cancel()
        async with asyncio.timeout(10):
            assert await waiting == 200
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)


def unlimited(gateway: Gateway) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(gateway.url, connector=aiohttp.TCPConnector(limit=0))


async def secret(gateway: Gateway, tenant: str) -> str:
    return str((await made(gateway, tenant=tenant))["secret"])


def first(tasks: list[asyncio.Task[int]], number: int) -> list[Any]:
    return [status for _, status in zip(range(number), asyncio.as_completed(tasks), strict=False)]


async def ask(http: aiohttp.ClientSession, key: str, body: Any) -> int:
    headers = {"authorization": f"Bearer {key}"}
    async with http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        await answer.read()
        return answer.status


SENSELESS = {"type": "string", "minLength": 9, "maxLength": 3}
SHAPED: dict[str, Any] = {
    "/v1/chat/completions": {
        "messages": [{"role": "user", "content": "Hi."}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": SENSELESS},
        },
    },
    "/v1/responses": {
        "input": "Hi.",
        "text": {"format": {"type": "json_schema", "name": "a", "schema": SENSELESS}},
    },
    "/v1/messages": {
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi."}],
        "output_config": {"format": {"type": "json_schema", "schema": SENSELESS}},
    },
}


async def test_a_shape_that_no_answer_has_is_a_400_in_every_dialect(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for path, body in SHAPED.items():
            for model in ("auto", "local"):
                async with gateway.http.post(path, json={**body, "model": model}) as answer:
                    told = await answer.json()
                    assert answer.status == 400, told
                    assert "minLength 9 is above maxLength 3" in told["error"]["message"]
        assert not gateway.local.received
        assert not gateway.frontier.received


async def test_a_shape_beyond_a_local_grammar_goes_to_the_frontier_or_is_told_in_words(
    tmp_path: Path,
) -> None:
    row = {"type": "array", "maxItems": 60, "items": {"type": "boolean"}}
    large = {"type": "array", "maxItems": 60, "items": row}
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": large}}
    async with running_gateway(tmp_path) as gateway:
        body = chat("!say hi", response_format=shape)
        async with gateway.http.post("/v1/chat/completions", json=body) as answer:
            assert answer.headers["x-shortstop-target"] == "big"
        assert not gateway.local.received
        pinned = chat("!say IBAN DE89 3704 0044 0532 0130 00", response_format=shape)
        async with gateway.http.post("/v1/chat/completions", json=pinned) as answer:
            assert answer.headers["x-shortstop-target"] == "small"
        (asked,) = gateway.local.bodies
        assert "response_format" not in asked
        assert "JSON alone" in asked["messages"][0]["content"]
