"""Tool calling with the real built-in model, whose template knows no tools."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shortstop import dialects
from shortstop.registry import ModelRecord
from shortstop.serving import verify
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.embedded import EmbeddedServer, EngineOptions
from shortstop.serving.engines.slots import Slots
from shortstop.serving.gather import Gathering
from shortstop.serving.http import LocalClient
from shortstop.types import Message, Request, Sampling, Text, ToolCall, ToolChoice
from tests.serving.engines.test_calls import TIME, WEATHER

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend(model: ModelRecord) -> AsyncIterator[LocalBackend]:
    server = EmbeddedServer(model.path, EngineOptions(1, 4096, 2, cache_mib=0))
    await server.start()
    client = LocalClient(f"{server.url}/v1", api_key=server.api_key)
    yield LocalBackend(
        model="small",
        dialect=dialects.get("openai.chat"),
        client=lambda: client,
        slots=Slots(2, 1),
        tools_by_schema=True,
    )
    await client.close()
    await server.stop()


def asked(choice: ToolChoice, text: str = "What is the weather in Paris, in C?") -> Request:
    return Request(
        id="req_1",
        dialect="openai.chat",
        body={},
        model="small",
        messages=(Message("user", (Text(text),)),),
        tools=(WEATHER, TIME),
        tool_choice=choice,
        parallel_tool_calls=False,
        sampling=Sampling(max_tokens=120),
    )


@pytest.mark.parametrize("name", ["get_weather", "get_time"])
async def test_a_named_tool_is_called_with_valid_arguments(
    backend: LocalBackend, name: str
) -> None:
    request = asked(ToolChoice("required", (name,)))
    reply = await backend.answer(request)
    (call,) = [p for p in reply.choices[0].parts if isinstance(p, ToolCall)]
    assert call.name == name
    assert reply.choices[0].finish == "tool_calls"
    assert all(check.passed for check in verify.checks(request, reply.choices[0]))


async def test_a_streamed_call_is_the_same_call(backend: LocalBackend) -> None:
    request = asked(ToolChoice("required", ("get_weather",)))
    whole = await backend.answer(request)
    seen = Gathering()
    fragments = 0
    async for chunk in backend.stream(request):
        fragments += sum(bool(delta.arguments) for delta in chunk.tools)
        seen.add(chunk)
    (one,) = [p for p in whole.choices[0].parts if isinstance(p, ToolCall)]
    (other,) = [p for p in seen.choice.parts if isinstance(p, ToolCall)]
    assert json.loads(one.arguments) == json.loads(other.arguments)
    assert fragments > 1
    assert seen.choice.finish == "tool_calls"
    assert seen.choice.logprobs, "the router's signals are still there"


async def test_left_free_it_calls_or_talks_but_never_makes_up_a_tool(
    backend: LocalBackend,
) -> None:
    for text in ("What time is it?", "Say hello to my friend.", "Weather in Rome, in F?"):
        request = asked(ToolChoice(), text)
        choice = (await backend.answer(request)).choices[0]
        calls = [p for p in choice.parts if isinstance(p, ToolCall)]
        assert all(call.name in ("get_weather", "get_time") for call in calls)
        assert calls or choice.text or choice.finish == "length"


async def test_none_is_an_ordinary_answer(backend: LocalBackend) -> None:
    choice = (await backend.answer(asked(ToolChoice("none"), "Say hello."))).choices[0]
    assert choice.text
    assert not choice.text.lstrip().startswith('{"')
