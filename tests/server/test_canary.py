"""A thousand secrets in every place of a request where text can stand: none is seen outside.

"Outside" is every byte that the frontier receives, every log line, metric and file that the gateway
writes. The local model echoes what it is told, so that answers carry the secrets too.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

Body = dict[str, Any]
CHAT, CLAUDE = "/v1/chat/completions", "/v1/messages"
RESPONSES, COMPLETIONS, EMBEDDINGS = "/v1/responses", "/v1/completions", "/v1/embeddings"
COUNT = "/v1/messages/count_tokens"
CANARIES = 1000
MORE = """
[upstreams.vendor.models.vectors]
abilities = ["embeddings"]
[upstreams.claude]
base_url = "{frontier}"
dialect = "anthropic"
[upstreams.claude.models.sonnet]
"""


def say(content: Any = "hello", *before: Body, **more: Any) -> Body:
    model = more.pop("model", "auto")
    messages = [*before, {"role": "user", "content": content}]
    return {"model": model, "messages": messages, "max_tokens": 20, **more}


def function(**more: Any) -> Body:
    known = {"name": "look", "parameters": {"type": "object", "properties": {}}}
    return {"type": "function", "function": {**known, **more}}


def called(arguments: str) -> tuple[Body, Body]:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": arguments}}
    return (
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    )


def tool_schema(**field: Any) -> Body:
    return function(parameters={"type": "object", "properties": {"x": {"type": "string", **field}}})


def shape(**field: Any) -> Body:
    schema = {"type": "object", "properties": {"x": {"type": "string", **field}}}
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SURFACES: dict[str, Callable[[str], tuple[str, Body]]] = {
    "user": lambda v: (CHAT, say(f"my key is {v}")),
    "user, named target": lambda v: (CHAT, say(f"my key is {v}", model="big")),
    "user, streamed": lambda v: (CHAT, say(f"my key is {v}", stream=True)),
    "system": lambda v: (CHAT, say("hi", {"role": "system", "content": f"Use {v}."})),
    "developer": lambda v: (CHAT, say("hi", {"role": "developer", "content": v})),
    "assistant": lambda v: (CHAT, say("and?", {"role": "assistant", "content": f"It is {v}"})),
    "text part": lambda v: (CHAT, say([{"type": "text", "text": v}])),
    "two parts": lambda v: (
        CHAT,
        say([{"type": "text", "text": v[:9]}, {"type": "text", "text": v[9:]}]),
    ),
    "name of a speaker": lambda v: (CHAT, say("hi", {"role": "user", "name": v, "content": "a"})),
    "tool arguments": lambda v: (CHAT, say("go on", *called(json.dumps({"key": v})))),
    "JSON in tool arguments": lambda v: (
        CHAT,
        say("go on", *called(json.dumps({"body": json.dumps({"key": v})}))),
    ),
    "tool result": lambda v: (
        CHAT,
        say("so?", called("{}")[0], {"role": "tool", "tool_call_id": "c1", "content": v}),
    ),
    "tool description": lambda v: (CHAT, say(tools=[function(description=f"uses {v}")])),
    "tool default": lambda v: (CHAT, say(tools=[tool_schema(default=v)])),
    "tool enum": lambda v: (CHAT, say(tools=[tool_schema(enum=[v, "b"])])),
    "answer schema": lambda v: (CHAT, say(response_format=shape(description=v))),
    "metadata": lambda v: (CHAT, say(metadata={"ticket": v})),
    "user id": lambda v: (CHAT, say(user=v)),
    "stop": lambda v: (CHAT, say(stop=[v])),
    "prediction": lambda v: (CHAT, say(prediction={"type": "content", "content": v})),
    "unknown field": lambda v: (CHAT, say(vendor_option={"deep": [{"er": v}]})),
    "key of an object": lambda v: (CHAT, say(vendor_option={f"{v}": 1})),
    "image URL": lambda v: (
        CHAT,
        say([{"type": "image_url", "image_url": {"url": f"https://h.example/i.png?k={v}"}}]),
    ),
    "file": lambda v: (
        CHAT,
        say([{"type": "file", "file": {"filename": "a.txt", "file_data": b64(f"key {v} end")}}]),
    ),
    "base64": lambda v: (CHAT, say(f"decode {b64('the key is ' + v)}")),
    "hexadecimal": lambda v: (CHAT, say(f"decode {('key ' + v).encode().hex()}")),
    "percent": lambda v: (CHAT, say("".join(f"%{ord(c):02X}" for c in v))),
    "invisible": lambda v: (CHAT, say("\u200b".join(v))),
    "backwards": lambda v: (CHAT, say(f"turn round: {v[::-1]}")),
    "Claude system": lambda v: (CLAUDE, say(system=[{"type": "text", "text": v}])),
    "Claude, named": lambda v: (CLAUDE, say(f"key {v}", model="sonnet")),
    "Claude tool result": lambda v: (
        CLAUDE,
        say(
            [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": v}]}],
            {"role": "user", "content": "x"},
            {"role": "assistant",
             "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {"k": v}}]},
        ),
    ),
    "thinking's signature": lambda v: (
        CLAUDE,
        say("go on", {"role": "user", "content": "x"}, {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "", "signature": b64(f"the key is {v}")},
            {"type": "redacted_thinking", "data": v}, {"type": "text", "text": "a"}]}),
    ),
    "counted": lambda v: (COUNT, say(f"key {v}", model="sonnet")),
    "instructions": lambda v: (RESPONSES, {"model": "auto", "input": "hi", "instructions": v}),
    "response input": lambda v: (RESPONSES, {"model": "big", "input": f"key {v}"}),
    "function output": lambda v: (
        RESPONSES,
        {
            "model": "auto",
            "input": [
                {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": v},
            ],
        },
    ),
    "completion": lambda v: (COMPLETIONS, {"model": "auto", "prompt": f"key {v}", "max_tokens": 5}),
    "embedded": lambda v: (EMBEDDINGS, {"model": "vectors", "input": ["fine", f"key {v}"]}),
}  # fmt: skip


def canary(draw: random.Random) -> str:
    """An AWS access key that nobody has."""
    return "AKIA" + "".join(draw.choices(string.ascii_uppercase + "234567", k=16))


def disguises(value: str) -> list[bytes]:
    return [
        value.encode(),
        value[::-1].encode(),
        value.encode().hex().encode(),
        "".join(f"%{ord(c):02X}" for c in value).encode(),
        "\u200b".join(value).encode(),
        value[4:].encode(),
    ]


def found_in(haystack: bytes, values: list[str]) -> list[tuple[str, str]]:
    """Which were found, and where they had been planted."""
    names = list(SURFACES)
    return [
        (names[i % len(names)], value)
        for i, value in enumerate(values)
        if any(form in haystack for form in disguises(value))
    ]


async def plant(gateway: Gateway, values: list[str]) -> None:
    """Sixteen at a time, going round the surfaces."""
    names = list(SURFACES)
    room = asyncio.Semaphore(16)

    async def one(i: int, value: str) -> None:
        path, body = SURFACES[names[i % len(names)]](value)
        async with room, gateway.http.post(path, json=body) as answer:
            await answer.read()
            assert answer.status < 500 or answer.status == 503, (names[i % len(names)], answer)

    await asyncio.gather(*(one(i, v) for i, v in enumerate(values)))


@pytest.mark.parametrize("more", ["", "[routing]\nexploration = 0.5\nshadow_rate = 1.0\n"])
async def test_a_thousand_secrets_stay_inside(tmp_path: Path, more: str) -> None:
    draw = random.Random(20261124)
    values = [canary(draw) for _ in range(CANARIES)]
    async with running_gateway(tmp_path) as gateway:
        text = gateway.config_file.read_text() + MORE.format(frontier=gateway.frontier.url)
        if more:
            text = text.replace("[routing]\nexploration = 0.0\n", more)
        gateway.config_file.write_text(text)
        async with gateway.http.post("/admin/reload") as answer:
            assert answer.status == 200
        async with gateway.http.post(CHAT, json=say("a harmless question", model="big")) as answer:
            assert answer.status == 200, "the frontier is there to be leaked to"
        gateway.frontier.fail_times = 5
        await plant(gateway, values)
        async with gateway.http.get("/metrics") as answer:
            metrics = await answer.read()
        await gateway.stop()
        sent = b"\n".join(gateway.frontier.received)
        assert b"a harmless question" in sent
        assert found_in(sent, values) == []
        assert found_in(gateway.log, values) == []
        assert found_in(metrics, values) == []
        for path in gateway.home.rglob("*"):
            if path.is_file():
                assert found_in(path.read_bytes(), values) == [], path.name
