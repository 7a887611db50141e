"""What a client may ask of the real engine without holding it up for the others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from shortstop import dialects
from shortstop.errors import TargetError
from shortstop.registry import ModelRecord
from shortstop.registry.vocabulary import Vocabulary
from shortstop.serving import verify
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.embedded import Backoff, EmbeddedServer, EngineOptions
from shortstop.serving.engines.markers import Markers
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient
from shortstop.types import Format, Json, Message, Request, Sampling, Text, Tool, ToolChoice

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPTIONS = EngineOptions(threads=1, context=4096, slots=2, cache_mib=0)
MARKERS = Markers(Vocabulary())
FREEZE = 60.0
"""Seconds: far above any load of this machine, far below what an eager grammar takes."""
QUICK = Backoff(first=0.01, probe=0.1, stalled=0.5)


def connected(server: EmbeddedServer) -> LocalBackend:
    def client() -> LocalClient:
        return LocalClient(f"{server.url}/v1", api_key=server.api_key)

    return LocalBackend(
        model="small",
        dialect=dialects.get("openai.chat"),
        client=client,
        slots=Slots(8, 8),
        tools_by_schema=True,
        embedded=lambda: MARKERS,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(model: ModelRecord) -> AsyncIterator[EmbeddedServer]:
    running = EmbeddedServer(model.path, OPTIONS)
    await running.start()
    yield running
    await running.stop()


def asked(text: str, most: int = 8, **more: Any) -> Request:
    turns = (Message("user", (Text(text),)),)
    return Request(
        "r", "openai.chat", {}, "small", turns, sampling=Sampling(max_tokens=most), **more
    )


def shaped(schema: Json, most: int = 8) -> Request:
    return asked("Sort: a lost card.", most, format=Format("json_schema", schema, strict=True))


def words(number: int) -> list[str]:
    chance = random.Random(number)
    letters = "abcdefghijklmnopqrstuvwxyz ABCDEFG-_0123456789"
    return ["".join(chance.choices(letters, k=chance.randint(8, 60))) for _ in range(number)]


def deep(levels: int) -> Json:
    schema: Json = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


LIST: Json = {"type": "array", "items": {"type": "integer"}}
HOSTILE: dict[str, Json] = {
    "enum": {"enum": words(3_000)},
    "a very long enum": {"enum": words(19_000)},
    "too long an enum": {"enum": words(60_000)},
    "alternatives": {"anyOf": [{"type": "object", "properties": {w: {}}} for w in words(4_000)]},
    "optional properties": {"type": "object", "properties": {w: {} for w in words(900)}},
    "too many properties": {"type": "object", "properties": {w: {} for w in words(9_000)}},
    "length": {"type": "string", "minLength": 100_000, "maxLength": 10**9},
    "items": {**LIST, "minItems": 1_900},
    "too many items": {**LIST, "minItems": 10**6, "maxItems": 10**6},
    "items without end": {**LIST, "maxItems": 10**7},
    "lists of lists": {**LIST, "items": {**LIST, "minItems": 900}, "minItems": 900},
    "nested": deep(30),
    "too deeply nested": deep(400),
    "repetition of repetition": {
        "type": "string",
        "pattern": "^((((a{1,99}){1,99}){1,99}){1,99})$",
    },
    "backtracking": {"type": "string", "pattern": "^(a|aa|b.*b)*[a-f]{900}.*[a-z]{900}$"},
    "to itself": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "to both": {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {"type": "object", "properties": {w: {"$ref": "#/$defs/a"} for w in "abcdefgh"}}
        },
    },
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_schema_holds_the_others_up(server: EmbeddedServer, name: str) -> None:
    """Asked again and again meanwhile, the engine goes on answering; a bound on seconds is no
    figure here: what it guards against takes minutes."""
    backend = connected(server)
    hostile = asyncio.create_task(_settled(backend.answer(shaped(HOSTILE[name]))))
    async with asyncio.timeout(FREEZE):
        while not hostile.done():
            await backend.answer(asked("Hi.", 1))
    assert server.state == "ready"


async def _settled(answer: Any) -> None:
    with contextlib.suppress(TargetError):
        await answer


async def test_a_long_enum_is_obeyed(server: EmbeddedServer) -> None:
    schema = {
        "type": "object",
        "properties": {"label": {"enum": words(5_000)}},
        "required": ["label"],
    }
    request = shaped(schema, 64)
    reply = await connected(server).answer(request)
    passed = {check.name: check.passed for check in verify.checks(request, reply.choices[0])}
    assert passed["format"], reply.text


async def test_a_schema_leaves_no_room_to_get_lost_in(server: EmbeddedServer) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "n": {"type": "integer"}},
        "required": ["name", "n"],
    }
    reply = await connected(server).answer(shaped(schema, 64))
    assert reply.text.startswith('{"name": "')
    assert set(msgspec.json.decode(reply.text)) == {"name", "n"}


async def test_calls_of_tools_go_the_same_way(server: EmbeddedServer) -> None:
    """A tool whose argument is one of 3,000 values is called with one of them."""
    schema = {
        "type": "object",
        "properties": {"shelf": {"enum": words(3_000)}},
        "required": ["shelf"],
    }
    tool = Tool("put", "Puts a book on a shelf.", schema)
    request = asked("Put the atlas on a shelf.", 80, tools=(tool,))
    request = replace(request, tool_choice=ToolChoice("required"))
    async with asyncio.timeout(4 * FREEZE):
        # The prompt shows the schema, so it is told that it does not fit the engine's context.
        with pytest.raises(TargetError, match="context"):
            await connected(server).answer(request)
    short = replace(tool, schema={**schema, "properties": {"shelf": {"enum": words(8)}}})
    request = replace(request, tools=(short,), parallel_tool_calls=False)
    reply = await connected(server).answer(request)
    assert [
        c.passed for c in verify.checks(request, reply.choices[0]) if c.name == "tool_calls"
    ] == [True]


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_frees_the_slot_under_a_grammar_too(
    server: EmbeddedServer, stream: bool
) -> None:
    backend = connected(server)
    story = {"type": "string", "minLength": 4_000}
    for _ in range(2):
        request = replace(shaped(story, 900), stream=stream)
        if stream:
            chunks = backend.stream(request)
            await anext(chunks)
            await chunks.aclose()
        else:
            answer = asyncio.create_task(backend.answer(request))
            await asyncio.sleep(0.3)
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)
    await _freed(backend)
    async with asyncio.timeout(FREEZE):
        # Two at once need both of the engine's slots.
        await asyncio.gather(*(backend.answer(asked("Hi.", 1)) for _ in range(2)))


# ---------------------------------------------------------------- an engine that stands still


async def test_an_engine_whose_loop_stands_still_is_started_again(
    model: ModelRecord, caplog: pytest.LogCaptureFixture
) -> None:
    server = EmbeddedServer(model.path, OPTIONS, backoff=QUICK)
    await server.start()
    first = server.pid
    assert first is not None
    waiting = asyncio.create_task(connected(server).answer(asked("Tell a long story.", 400)))
    await asyncio.sleep(0.2)
    os.kill(first, signal.SIGSTOP)
    async with asyncio.timeout(2 * FREEZE):
        with pytest.raises(TargetError):
            await waiting
        await server.until("restarting")
        await server.until("ready")
    assert server.pid != first
    assert "has not answered" in caplog.text
    assert (await connected(server).answer(asked("Hi.", 1))).usage is not None
    await server.stop()


async def test_an_engine_that_works_hard_is_left_alone(model: ModelRecord) -> None:
    server = EmbeddedServer(model.path, OPTIONS, backoff=replace(QUICK, stalled=5.0))
    await server.start()
    first = server.pid
    await connected(server).answer(asked("word " * 300, 2))
    assert (server.pid, server.state) == (first, "ready")
    await server.stop()


async def test_any_answer_says_that_the_loop_runs(model: ModelRecord) -> None:
    """An engine of another kind need not know the path that it is asked."""
    program = (
        "import json, sys\n"
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "json.loads(sys.stdin.readline())\n"
        "class Chat(BaseHTTPRequestHandler):\n"
        "    protocol_version = 'HTTP/1.1'\n"
        "    def do_POST(self):\n"
        "        self.rfile.read(int(self.headers['content-length']))\n"
        "        self.send_response(200)\n"
        "        self.send_header('content-length', '2'); self.end_headers()\n"
        "        self.wfile.write(b'{}')\n"
        "    def log_message(self, *args): pass\n"
        "server = HTTPServer(('127.0.0.1', 0), Chat)\n"
        "print(json.dumps({'ready': f'http://127.0.0.1:{server.server_port}'}), flush=True)\n"
        "server.serve_forever()\n"
    )
    command = (sys.executable, "-c", program)
    server = EmbeddedServer(
        model.path, OPTIONS, command=command, backoff=replace(QUICK, probe=0.02)
    )
    await server.start()
    first = server.pid
    await asyncio.sleep(0.3)
    assert (server.pid, server.state) == (first, "ready")
    await server.stop()


async def _freed(backend: LocalBackend) -> None:
    """The slot is kept until the engine has noticed."""
    async with asyncio.timeout(60):
        while backend.slots.running:
            await asyncio.sleep(0.01)
