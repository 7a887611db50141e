"""The embedded engine behind a real gateway: whoever leaves gives its slot back, at every stage."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import pytest
import pytest_asyncio

from shortstop import registry
from tests.server.conftest import Gateway
from tests.server.scripted import ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/chat/completions"
PATIENCE = 6.0
"""Seconds. The promise is one, on a machine of its own (docs/compatibility.md has the figures);
without the cancellation the slot is taken for 8 to 30, and more where the machine is busy."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway whose only model is the built-in one, with one slot and a queue of two."""
    nobody = ScriptedModel()
    gateway = Gateway(tmp_path_factory.mktemp("engine"), nobody, nobody)
    gateway.config_file.write_text(
        "[server]\nport = 0\n[upstreams]\n[models.small]\n"
        f'source = "{await asyncio.to_thread(_model_file)}"\nslots = 1\nqueue = 2\n'
    )
    await gateway.start()
    yield gateway
    await gateway.stop()


def _model_file() -> Path:
    record = registry.open(registry.home(None, os.environ)).find("builtin")
    if record is None:
        pytest.skip("the default model is not installed: run `make model`")
    return record.path


def said(text: str, most: int, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "small", "messages": messages, "max_tokens": most, **more}


async def metric(gateway: Gateway, name: str) -> float:
    async with gateway.http.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


async def until(gateway: Gateway, name: str, value: float) -> None:
    async with asyncio.timeout(PATIENCE):
        while await metric(gateway, name) != value:
            pass


async def free_again(gateway: Gateway) -> float:
    """Seconds until the engine itself, not only our count of it, has answered somebody else."""
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        await until(gateway, "shortstop_engine_running", 0)
        async with gateway.http.post(PATH, json=said("Hi", 1)) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()
    return time.monotonic() - began


def asking(gateway: Gateway, body: dict[str, Any]) -> asyncio.Task[aiohttp.ClientResponse]:
    return asyncio.create_task(gateway.http.post(PATH, json=body).__aenter__())


LONG_PROMPT = "The cat of the house sat on a mat, and the dog of the house looked at it. " * 120


@pytest.mark.parametrize("stream", [False, True])
async def test_27_leaving_during_prefill_frees_the_slot(engine: Gateway, stream: bool) -> None:
    """2,600 tokens of prompt are 11 s of work for one core."""
    leaving = asking(engine, said(f"{stream} {LONG_PROMPT}", 5, stream=stream))
    await until(engine, "shortstop_engine_running", 1)
    await asyncio.sleep(0.3)  # into the prompt: nothing that could be waited for is told of it
    assert not leaving.done()
    leaving.cancel()
    await free_again(engine)


async def test_27_leaving_a_whole_answer_during_decode_frees_the_slot(engine: Gateway) -> None:
    leaving = asking(engine, said("Tell me a very long story about a whale.", 500))
    await until(engine, "shortstop_engine_running", 1)
    await asyncio.sleep(0.5)
    assert not leaving.done()
    leaving.cancel()
    await free_again(engine)


async def test_27_leaving_a_stream_after_its_first_byte_frees_the_slot(engine: Gateway) -> None:
    body = said("Tell me a very long story about a whale.", 500, stream=True)
    async with engine.http.post(PATH, json=body) as answer:
        await answer.content.readany()
        answer.close()
    await free_again(engine)


async def test_27_leaving_the_queue_never_reaches_the_engine(engine: Gateway) -> None:
    running = asking(engine, said("Tell me a very long story about a whale.", 500))
    await until(engine, "shortstop_engine_running", 1)
    waiting = [asking(engine, said("Hi", 1, stream=s)) for s in (False, True)]
    await until(engine, "shortstop_engine_waiting", 2)
    for task in waiting:
        task.cancel()
    await until(engine, "shortstop_engine_waiting", 0)
    assert await metric(engine, "shortstop_engine_running") == 1, "the others are not disturbed"
    running.cancel()
    await free_again(engine)


TOOLS = [
    {
        "name": "weather",
        "description": "The weather of a place",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]
COUNTED: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "Hello there ☀️"}]},
    {"system": "Be brief.", "messages": [{"role": "user", "content": "Hello " * 50}]},
    {"messages": [{"role": "user", "content": "Weather in Basel?"}], "tools": TOOLS},
]


@pytest.mark.parametrize("model", ["small", "local", "auto"])
@pytest.mark.parametrize("asked", COUNTED, ids=["words", "system", "tools"])
async def test_40_counted_tokens_are_those_that_are_billed(
    engine: Gateway, model: str, asked: Any
) -> None:
    async with anthropic.AsyncAnthropic(base_url=engine.url, api_key="unused") as client:
        counted = await client.messages.count_tokens(model=model, **asked)
        answer = await client.messages.create(model=model, max_tokens=1, **asked)
    used = answer.usage
    assert counted.input_tokens == used.input_tokens + (used.cache_read_input_tokens or 0)
