"""A model server of somebody else's is measured: here it is a gateway with a scripted model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shortstop import dialects
from shortstop.errors import TargetError
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.probe import TOKENS, probe
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient
from tests.server.conftest import Gateway, running_gateway


@asynccontextmanager
async def backend_of(url: str, model: str) -> AsyncIterator[LocalBackend]:
    client = LocalClient(f"{url}/v1")
    try:
        yield LocalBackend(
            model=model,
            dialect=dialects.get("openai.chat"),
            client=lambda: client,
            slots=Slots(8, 8, 60.0),
        )
    finally:
        await client.close()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path) as running:
        yield running


async def test_a_server_is_asked_alone_and_by_many_at_once(gateway: Gateway) -> None:
    async with backend_of(gateway.url, "small") as backend:
        speed = await probe(backend, "small", together=5)
    assert speed.model == "small"
    assert 0 < speed.first_cold < 60
    assert 0 < speed.first_warm < 60
    assert speed.tokens_per_second > 0
    assert speed.together == 5
    assert speed.tokens_per_second_together > 0
    bodies = [json.loads(raw.split(b"\r\n\r\n", 1)[1]) for raw in gateway.local.received]
    assert len(bodies) == 12, "three new prompts, four that begin alike, five at once"
    assert all(body["max_tokens"] == TOKENS for body in bodies)
    prompts = [json.dumps(body["messages"]) for body in bodies]
    assert len(set(prompts)) == 12, "no cache of whole answers can say them again"


async def test_a_model_that_is_not_there_is_an_error(gateway: Gateway) -> None:
    async with backend_of(gateway.url, "nobody") as backend:
        with pytest.raises(TargetError):
            await probe(backend, "nobody")
    async with backend_of("http://127.0.0.1:9", "small") as backend:
        with pytest.raises(TargetError, match="cannot be reached"):
            await probe(backend, "small")
