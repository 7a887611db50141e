"""A thousand secrets in every place of a request where text can stand: none is seen outside.

"Outside" is every byte that the frontier receives, every log line, metric and file that the gateway
writes. The local model echoes what it is told, so that answers carry the secrets too. The same is
tried while detectors break, upstreams fail, judges and shadows listen, clients retry and correct,
several workers share the load, and the process is killed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import re2

from shortstop.privacy import audit
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


def called(arguments: str, id: str = "c1") -> tuple[Body, Body]:
    call = {"id": id, "type": "function", "function": {"name": "look", "arguments": arguments}}
    return (
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": id, "content": "done"},
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
    "model": lambda v: (CHAT, say(model=v)),
    "model of embeddings": lambda v: (EMBEDDINGS, {"model": v, "input": "fine"}),
    "name of a tool": lambda v: (CHAT, say(tools=[function(name=v)])),
    "choice of a tool": lambda v: (
        CHAT, say(tools=[function()], tool_choice={"type": "function", "function": {"name": v}})),
    "id of a call": lambda v: (
        CHAT, say("so?", *called("{}", v))),
    "name of an answer's schema": lambda v: (
        CHAT, say(response_format={"type": "json_schema", "json_schema": {"name": v}})),
    "key above an object": lambda v: (CHAT, say(vendor_option={f"{v}": {"a": {}}})),
    "key above nothing": lambda v: (CHAT, say(vendor_option=[{f"{v}": None}])),
    "cache key": lambda v: (CHAT, say(prompt_cache_key=v, safety_identifier=v)),
    "logit bias": lambda v: (CHAT, say(logit_bias={v: 1})),
    "previous response": lambda v: (
        RESPONSES, {"model": "auto", "input": "hi", "previous_response_id": v}),
    "reasoning": lambda v: (
        RESPONSES, {"model": "auto", "input": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": v}]},
            {"role": "user", "content": "go on"}]}),
    "query": lambda v: (f"{CHAT}?key={v}", say(model="big")),
    "path": lambda v: (f"/v1/responses/{v}/cancel", {}),
    "completion": lambda v: (COMPLETIONS, {"model": "auto", "prompt": f"key {v}", "max_tokens": 5}),
    "embedded": lambda v: (EMBEDDINGS, {"model": "vectors", "input": ["fine", f"key {v}"]}),
}  # fmt: skip


HEADERS = (
    "x-shortstop-conversation", "x-shortstop-task", "idempotency-key", "anthropic-beta",
    "anthropic-version", "user-agent", "cookie", "openai-organization", "x-request-id",
    "x-stainless-lang", "traceparent", "referer", "x-forwarded-for", "x-api-key", "origin",
)  # fmt: skip
"""Each with a request that is harmless otherwise, and asks for the frontier."""
PLACES = (*SURFACES, *HEADERS)


def planted(place: str, value: str) -> tuple[str, Body, dict[str, str]]:
    """Path, body and headers of a request that holds `value` in `place`."""
    if place in HEADERS:
        path = CLAUDE if place.startswith("anthropic") else CHAT
        model = "sonnet" if path == CLAUDE else "big"
        return path, say("a harmless question", model=model), {place: value}
    return *SURFACES[place](value), {}


def canary(draw: random.Random) -> str:
    """An AWS access key that nobody has."""
    return "AKIA" + "".join(draw.choices(string.ascii_uppercase + "234567", k=16))


def address(draw: random.Random) -> str:
    """An e-mail address: of tier S2, which a policy may let out under another name."""
    name = "".join(draw.choices(string.ascii_lowercase, k=9))
    return f"{name}.{draw.randrange(10**6):06}@acme-corp.com"


def disguises(value: str) -> list[bytes]:
    return [
        value.encode(),
        value[::-1].encode(),
        value.encode().hex().encode(),
        "".join(f"%{ord(c):02X}" for c in value).encode(),
        "\u200b".join(value).encode(),
        value[4:].encode(),
    ]


class Search:
    """All values in all disguises, in one pass."""

    def __init__(self, values: list[str]) -> None:
        self._planted = {
            form: (PLACES[i % len(PLACES)], value)
            for i, value in enumerate(values)
            for form in disguises(value)
        }
        options = re2.Options()
        options.max_mem, options.encoding = 1 << 28, re2.Options.Encoding.LATIN1
        self._any = re2.compile(b"|".join(map(re2.escape, self._planted)), options)

    def __call__(self, haystack: bytes) -> set[tuple[str, str]]:
        """Which were found, and where they had been planted."""
        return {self._planted[m.group()] for m in self._any.finditer(haystack)}


async def plant(gateway: Gateway, values: list[str]) -> None:
    """Sixteen at a time, going round the places; each is retried and corrected."""
    room = asyncio.Semaphore(16)

    async def one(place: str, value: str, token: str) -> None:
        path, body, headers = planted(place, value)
        retry = {"idempotency-key": token, **headers}
        async with room:
            for _ in range(2):
                async with gateway.http.post(path, json=body, headers=retry) as answer:
                    await answer.read()
                    assert answer.status < 500 or answer.status in (502, 503), (place, answer)
            id = answer.headers.get("x-request-id", "")
            said = {"request_id": id, "answer": value, "correction": f"{value} and more"}
            async with gateway.http.post("/v1/feedback", json=said) as answer:
                await answer.read()

    await asyncio.gather(*(one(PLACES[i % len(PLACES)], v, f"t{i}") for i, v in enumerate(values)))


@dataclass(frozen=True)
class Trial:
    """How the gateway is run, and what is planted how often."""

    routing: str = ""
    more: str = ""
    server: str = ""
    command: tuple[str, ...] = ("shortstop",)
    value: Callable[[random.Random], str] = canary
    times: int = 3
    """Values in each place."""
    killed: bool = False


SHADOWS = "exploration = 0.5\nshadow_rate = 1.0\n"
JUDGE = '[judge]\ntarget = "big"\nrate = 1.0\n'
STAND_INS = """
[[privacy.policies.default.rules]]
tier = "S2"
action = "pseudonymise"
"""
TRIALS = {
    "plain": Trial(times=-(-CANARIES // len(PLACES))),
    "shadows and judge": Trial(SHADOWS, JUDGE),
    "workers": Trial(SHADOWS, JUDGE, server="workers = 2"),
    "loud": Trial(SHADOWS, JUDGE, command=("tests.server.faulty", "loud")),
    "crashing": Trial(SHADOWS, command=("tests.server.faulty", "crash-now-and-then")),
    "crashed": Trial(command=("tests.server.faulty", "crash"), times=1),
    "out of memory": Trial(command=("tests.server.faulty", "killed"), times=1),
    "hanging": Trial(more="[privacy]\ntimeout = 0.02\n", command=("tests.server.faulty", "hang"),
                     times=1),
    "deaf": Trial(more="[privacy]\ntimeout = 0.02\n", command=("tests.server.faulty", "deaf"),
                  times=1),
    "killed": Trial(SHADOWS, killed=True),
    "stand-ins": Trial(SHADOWS, STAND_INS + JUDGE, value=address),
}  # fmt: skip


def configured(gateway: Gateway, trial: Trial) -> str:
    text = gateway.config_file.read_text().replace("exploration = 0.0\n", trial.routing, 1)
    text += MORE.format(frontier=gateway.frontier.url) + trial.more
    audit = f'audit = "{gateway.home}/audit.log"\n'
    if "[privacy]\n" in text:
        return text.replace("[privacy]\n", f"[privacy]\n{audit}")
    return f"{text}[privacy]\n{audit}"


@pytest.mark.parametrize("name", TRIALS)
async def test_a_thousand_secrets_stay_inside(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTSTOP_PRIVACY_KEY", "a long random text")
    if name == "stand-ins":  # tier S2 is kept with the traces: sealed, where there is a key
        monkeypatch.setenv("SHORTSTOP_TRACES_KEY", "another long random text")
    trial, draw = TRIALS[name], random.Random(20261124)
    values = [trial.value(draw) for _ in range(trial.times * len(PLACES))]
    async with running_gateway(tmp_path, trial.server) as gateway:
        await gateway.stop()
        gateway.command = trial.command
        gateway.config_file.write_text(configured(gateway, trial))
        await gateway.start()
        async with gateway.http.post(CHAT, json=say("a harmless question", model="big")) as answer:
            assert answer.status == 200
        gateway.frontier.fail_times = 5
        await plant(gateway, values)
        async with gateway.http.get("/metrics") as answer:
            metrics = await answer.read()
        await (gateway.kill() if trial.killed else gateway.stop())
    sent = b"\n".join(gateway.frontier.received)
    if "faulty" not in trial.command[0] or "loud" in trial.command:
        assert sent.count(b"a harmless question") > len(HEADERS), "there is a frontier to leak to"
    search = Search(values)
    assert len(search(" ".join(values).encode())) == len(values), "the search finds what is there"
    assert search(sent) == set()
    assert search(gateway.log) == set()
    assert search(metrics) == set()
    files = [path for path in gateway.home.rglob("*") if path.is_file()]
    assert {"traces.db", "accounts.db", "audit.log"} <= {path.name for path in files}
    for path in files:
        assert search(path.read_bytes()) == set(), path.name
    key = hashlib.sha256(b"a long random text").digest()
    assert audit.verify(gateway.home / "audit.log", key) is None


@pytest.mark.parametrize("path", [CHAT, RESPONSES, COMPLETIONS])
async def test_a_secret_that_a_model_tells_is_kept_nowhere(tmp_path: Path, path: str) -> None:
    """The client gets it; a harmless question makes no harmless row of it."""
    draw = random.Random(7)
    asked = {CHAT: say("!tell me", model="big"), RESPONSES: {"model": "big", "input": "!tell me"},
             COMPLETIONS: {"model": "big", "prompt": "!tell me"}}[path]  # fmt: skip
    values = [f"the key is {canary(draw)}" for _ in range(6)]
    async with running_gateway(tmp_path) as gateway:
        for i, gateway.frontier.secret in enumerate(values):
            retry = {"idempotency-key": f"t{i}"}
            async with gateway.http.post(path, json=asked, headers=retry) as answer:
                assert answer.headers["x-shortstop-tier"] == "S3"
                assert values[i] in await answer.text()
        for i, gateway.frontier.secret in enumerate(values):
            retry = {"idempotency-key": f"s{i}"}
            async with gateway.http.post(
                path, json={**asked, "stream": True}, headers=retry
            ) as answer:
                assert "AKIA" in await answer.text()
        await gateway.stop()
    search = Search([value.removeprefix("the key is ") for value in values])
    assert search(gateway.log) == set()
    for file in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert search(file.read_bytes()) == set(), file.name
