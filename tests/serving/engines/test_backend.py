"""The local backend: its queue, and what it asks of a server with some of OpenAI's dialect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from shortstop import dialects
from shortstop.errors import EngineBusy, InvalidRequest, TargetError, UpstreamFailed
from shortstop.registry.vocabulary import Vocabulary
from shortstop.serving.engines.backend import ALTERNATIVES, DEFAULT_MAX_TOKENS, LocalBackend
from shortstop.serving.engines.markers import Markers
from shortstop.serving.engines.slots import Slots
from shortstop.serving.gather import Gathering
from shortstop.serving.http import LocalClient
from shortstop.types import Message, Party, Request, Sampling, Text, Tool, ToolCall, ToolChoice
from tests.server.scripted import ScriptedModel
from tests.serving.test_http import read_request, serving

NO_MARKERS = Markers(Vocabulary())
PAY = Tool("pay", "Pays a bill.", {"type": "object", "properties": {"n": {"type": "integer"}}})


@pytest_asyncio.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel("small").running() as running:
        yield running


@pytest_asyncio.fixture
async def client(model: ScriptedModel) -> AsyncIterator[LocalClient]:
    client = LocalClient(f"{model.url}/v1")
    yield client
    await client.close()


def backend(client: LocalClient, slots: Slots | None = None, **options: Any) -> LocalBackend:
    return LocalBackend(
        model="smollm2",
        dialect=dialects.get("openai.chat"),
        client=lambda: client,
        slots=slots or Slots(2, 1),
        **options,
    )


def asked(text: str, **changes: Any) -> Request:
    base = Request("r1", "openai.chat", {}, "small", (Message("user", (Text(text),)),))
    return replace(base, **changes)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_that_repeats_its_key_tells_it_to_nobody(
    model: ScriptedModel, stream: bool
) -> None:
    key = "d41d8cd98f00b204e9800998ecf8427e"
    guarded = backend(client := LocalClient(f"{model.url}/v1", api_key=key))
    request = asked(f"!status 400 code=x{key}")
    with pytest.raises(TargetError) as raised:
        await (streamed(guarded, request) if stream else guarded.answer(request))
    await client.close()
    assert raised.value.code == "x[removed]"


@pytest.mark.parametrize("breaks", [False, True])
async def test_an_answer_ends_with_its_finish_reason(breaks: bool) -> None:
    """Whether or not its server closes the stream as it should."""
    choice = {"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}
    frame = f"data: {json.dumps({'choices': [choice]})}\n\n".encode()

    async def open_ended(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
        await writer.drain()
        if not breaks:
            await reader.read()

    async with serving(open_ended) as url, asyncio.timeout(5):
        client = LocalClient(f"{url}/v1")
        gathering = await streamed(backend(client), asked("hi"))
        await client.close()
    assert gathering.reply("r1", "small").text == "hello"


async def streamed(backend: LocalBackend, request: Request) -> Gathering:
    gathering = Gathering()
    async for chunk in backend.stream(request):
        gathering.add(chunk)
    return gathering


# ---------------------------------------------------------------- what is asked


async def test_the_request_asks_for_logprobs_and_bounds_its_answer(
    model: ScriptedModel, client: LocalClient
) -> None:
    reply = await backend(client).answer(asked("!say hi"))
    assert reply.text == "hi"
    assert reply.body is None, "a local server's body is not the client's"
    (body,) = model.bodies
    assert body["model"] == "smollm2"
    assert body["logprobs"] is True
    assert body["top_logprobs"] == ALTERNATIVES
    assert body["max_tokens"] == DEFAULT_MAX_TOKENS
    assert body["temperature"] == 0.0
    assert not body.get("stream")


@pytest.mark.parametrize(
    ("sampling", "limit", "wanted"),
    [
        (Sampling(max_tokens=9, temperature=0.7, top_logprobs=5), 100, (9, 0.7, 5)),
        (Sampling(max_tokens=900), 100, (100, 0.0, ALTERNATIVES)),
        (Sampling(), 100, (100, 0.0, ALTERNATIVES)),
    ],
)
async def test_what_the_client_asked_for_counts_within_the_model_s_limit(
    model: ScriptedModel,
    client: LocalClient,
    sampling: Sampling,
    limit: int,
    wanted: tuple[int, float, int],
) -> None:
    await backend(client, max_output=limit).answer(asked("x", sampling=sampling))
    (body,) = model.bodies
    assert (body["max_tokens"], body["temperature"], body["top_logprobs"]) == wanted


async def test_fields_that_small_servers_reject_are_not_passed_on(
    model: ScriptedModel, client: LocalClient
) -> None:
    request = asked("x", body={"service_tier": "flex"}, extra={"store": True})
    await backend(client).answer(request)
    assert {"service_tier", "store"}.isdisjoint(model.bodies[0])


async def test_a_server_that_notices_on_write_is_always_asked_to_stream(
    model: ScriptedModel, client: LocalClient
) -> None:
    reply = await backend(client, embedded=lambda: NO_MARKERS).answer(asked("!say one two"))
    assert reply.text.split() == ["one", "two"]
    assert reply.choices[0].finish == "stop"
    assert reply.usage is not None
    assert reply.usage.completion == 5
    assert (model.bodies[0]["stream"], model.bodies[0]["return_progress"]) == (True, True)
    await streamed(backend(client), asked("!say x", stream=True))
    assert "return_progress" not in model.bodies[1]


async def test_a_stream_is_the_same_answer(client: LocalClient) -> None:
    gathering = await streamed(backend(client), asked("!say one two", stream=True))
    assert gathering.choice.text.split() == ["one", "two"]
    assert gathering.finished


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("on_write", [False, True])
async def test_an_error_status_is_an_error_of_the_target(
    client: LocalClient, on_write: bool
) -> None:
    slots = Slots(1, 0)
    with pytest.raises(TargetError) as caught:
        await backend(client, slots, embedded=(lambda: NO_MARKERS) if on_write else None).answer(
            asked("!status 429 retry=3")
        )
    assert (caught.value.status, caught.value.retry_after) == (429, 3.0)
    assert (slots.running, slots.waiting) == (0, 0)


@pytest.mark.parametrize("text", ["!garbage", "!empty"])
async def test_what_is_no_answer_is_a_failure(client: LocalClient, text: str) -> None:
    with pytest.raises(UpstreamFailed):
        await backend(client).answer(asked(text))


async def test_a_stream_that_is_cut_off_is_a_failure(client: LocalClient) -> None:
    with pytest.raises(UpstreamFailed, match="before its end"):
        await streamed(backend(client), asked("!half one two", stream=True))
    with pytest.raises(UpstreamFailed):
        await backend(client, embedded=lambda: NO_MARKERS).answer(asked("!half one"))


async def test_leaving_a_stream_frees_the_slot_and_closes_the_connection(
    model: ScriptedModel, client: LocalClient
) -> None:
    slots = Slots(1, 0)
    stream = backend(client, slots).stream(asked("!slow one two", stream=True))
    await anext(stream)
    assert slots.running == 1
    await stream.aclose()
    assert slots.running == 0
    async with asyncio.timeout(5):
        await model.abandoned.wait()


async def test_a_server_that_cannot_count_says_so(client: LocalClient) -> None:
    with pytest.raises(UpstreamFailed, match="count"):
        await backend(client).count(asked("x"))


# ---------------------------------------------------------------- tools by schema


async def test_tools_become_a_schema_and_the_json_becomes_a_call(
    model: ScriptedModel, client: LocalClient
) -> None:
    request = asked(
        '!say {"calls": [{"name": "pay", "arguments": {"n": 3}}]}',
        tools=(PAY,),
        tool_choice=ToolChoice("required"),
    )
    by_schema = backend(client, tools_by_schema=True)
    reply = await by_schema.answer(request)
    (call,) = [p for p in reply.choices[0].parts if isinstance(p, ToolCall)]
    assert (call.name, json.loads(call.arguments)) == ("pay", {"n": 3})
    assert reply.choices[0].finish == "tool_calls"
    assert "tools" not in model.bodies[0]
    assert model.bodies[0]["response_format"]["type"] == "json_schema"
    gathering = await streamed(by_schema, replace(request, stream=True))
    (other,) = [p for p in gathering.choice.parts if isinstance(p, ToolCall)]
    assert json.loads(other.arguments) == {"n": 3}


async def test_a_server_with_tools_of_its_own_gets_them(
    model: ScriptedModel, client: LocalClient
) -> None:
    reply = await backend(client).answer(asked('!call pay {"n":3}', tools=(PAY,)))
    (call,) = [p for p in reply.choices[0].parts if isinstance(p, ToolCall)]
    assert call.name == "pay"
    assert model.bodies[0]["tools"][0]["function"]["name"] == "pay"


async def test_a_tool_that_is_not_offered_cannot_be_required(client: LocalClient) -> None:
    request = asked("x", tools=(PAY,), tool_choice=ToolChoice("required", ("steal",)))
    with pytest.raises(InvalidRequest, match="steal"):
        await backend(client, tools_by_schema=True).answer(request)


# ---------------------------------------------------------------- the queue


async def test_slots_are_given_in_the_order_of_arrival() -> None:
    slots, order = Slots(1, 9), list[int]()

    async def work(number: int) -> None:
        async with slots.take(Party()):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(n) for n in range(6)))
    assert order == list(range(6))
    assert (slots.running, slots.waiting) == (0, 0)


async def test_a_full_queue_refuses_at_once_and_says_when_to_retry() -> None:
    slots = Slots(1, 1)
    async with slots.take(Party()):
        waiting = asyncio.create_task(slots.take(Party()).__aenter__())
        await asyncio.sleep(0)
        assert (slots.running, slots.waiting) == (1, 1)
        with pytest.raises(EngineBusy, match="1 running, 1 waiting") as caught:
            async with slots.take(Party()):
                pass
        assert (caught.value.status, caught.value.retry_after) == (503, 1.0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert slots.waiting == 0
    async with slots.take(Party()):
        assert slots.running == 1


async def test_without_a_queue_only_the_slots_are_there() -> None:
    slots = Slots(2, 0)
    async with slots.take(Party()), slots.take(Party()):
        with pytest.raises(EngineBusy):
            async with slots.take(Party()):
                pass
    assert slots.running == 0
