"""Runs of agents through a real gateway process, in every dialect, whole and as a stream."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.dialects.grammar import check_anthropic, check_responses
from tests.server.conftest import Gateway, running_gateway
from tests.server.test_feedback import new_key

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIG = """
[runs]
max_steps = 4
polls = ["wait*"]
[privacy]
timeout = 30
"""
JSON = '{"to": "Rome"}'
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path_factory.mktemp("runs"), more=CONFIG) as running:
        yield running


@dataclass(frozen=True)
class Wire:
    """How an agent speaks one dialect."""

    path: str

    def body(self, job: str, calls: int, tool: str = "look") -> dict[str, Any]:
        """A job whose tool was called so often, with the same result each time; the scripted model
        does what the last result says."""
        raise NotImplementedError

    def calls(self, answer: dict[str, Any]) -> list[str]:
        raise NotImplementedError

    def text(self, answer: dict[str, Any]) -> str:
        raise NotImplementedError

    def error(self, answer: dict[str, Any]) -> tuple[str, str]:
        error = answer["error"]
        return error["type"], error["code"]


class Chat(Wire):
    def body(self, job: str, calls: int, tool: str = "look") -> dict[str, Any]:
        function = {"name": tool, "arguments": JSON}
        messages: list[dict[str, Any]] = [{"role": "user", "content": f"!call {tool} {JSON}"}]
        for i in range(calls):
            call = {"id": f"c{i}", "type": "function", "function": function}
            messages += [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": f"c{i}", "content": f"!call {tool} {JSON}"},
            ]
        tools = [{"type": "function", "function": {"name": tool, "parameters": SCHEMA}}]
        system = {"role": "system", "content": job}
        return {"model": "big", "messages": [system, *messages], "tools": tools}

    def calls(self, answer: dict[str, Any]) -> list[str]:
        message = answer["choices"][0]["message"]
        return [call["function"]["name"] for call in message.get("tool_calls") or ()]

    def text(self, answer: dict[str, Any]) -> str:
        return answer["choices"][0]["message"]["content"] or ""


class Responses(Wire):
    def body(self, job: str, calls: int, tool: str = "look") -> dict[str, Any]:
        items: list[dict[str, Any]] = [{"role": "user", "content": f"!call {tool} {JSON}"}]
        for i in range(calls):
            call = {"type": "function_call", "call_id": f"c{i}", "name": tool, "arguments": JSON}
            output = {
                "type": "function_call_output",
                "call_id": f"c{i}",
                "output": f"!call {tool} {JSON}",
            }
            items += [call, output]
        tools = [{"type": "function", "name": tool, "parameters": SCHEMA}]
        return {"model": "big", "instructions": job, "input": items, "tools": tools}

    def calls(self, answer: dict[str, Any]) -> list[str]:
        return [one["name"] for one in answer["output"] if one["type"] == "function_call"]

    def text(self, answer: dict[str, Any]) -> str:
        messages = [one for one in answer["output"] if one["type"] == "message"]
        return "".join(part["text"] for one in messages for part in one["content"])


class Claude(Wire):
    def body(self, job: str, calls: int, tool: str = "look") -> dict[str, Any]:
        messages: list[dict[str, Any]] = [{"role": "user", "content": f"!call {tool} {JSON}"}]
        for i in range(calls):
            use = {"type": "tool_use", "id": f"c{i}", "name": tool, "input": json.loads(JSON)}
            text = f"!call {tool} {JSON}"
            result = {"type": "tool_result", "tool_use_id": f"c{i}", "content": text}
            messages += [
                {"role": "assistant", "content": [use]},
                {"role": "user", "content": [result]},
            ]
        tools = [{"name": tool, "input_schema": SCHEMA}]
        body = {"model": "big", "max_tokens": 99, "system": job, "messages": messages}
        return {**body, "tools": tools}

    def calls(self, answer: dict[str, Any]) -> list[str]:
        return [one["name"] for one in answer["content"] if one["type"] == "tool_use"]

    def text(self, answer: dict[str, Any]) -> str:
        return "".join(one["text"] for one in answer["content"] if one["type"] == "text")

    def error(self, answer: dict[str, Any]) -> tuple[str, str]:
        error = answer["error"]
        return error["type"], "run_budget_exceeded" if "used up" in error["message"] else ""


WIRES = {
    "openai.chat": Chat("/v1/chat/completions"),
    "openai.responses": Responses("/v1/responses"),
    "anthropic.messages": Claude("/v1/messages"),
}
KINDS = {
    "openai.chat": "insufficient_quota",
    "openai.responses": "insufficient_quota",
    "anthropic.messages": "rate_limit_error",
}


async def ask(
    gateway: Gateway, wire: Wire, body: dict[str, Any], headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], dict[str, Any]]:
    async with gateway.http.post(wire.path, json=body, headers=headers or {}) as answer:
        return answer.status, dict(answer.headers), await answer.json()


@pytest.mark.parametrize("name", WIRES)
async def test_steps_are_one_run_and_the_third_call_is_refused(house: Gateway, name: str) -> None:
    wire, runs = WIRES[name], set()
    for made in range(3):
        status, headers, answer = await ask(house, wire, wire.body(name, made))
        assert status == 200, answer
        runs.add(headers["x-shortstop-run"])
        if made < 2:
            assert wire.calls(answer) == ["look"]
        else:
            assert wire.calls(answer) == []
            assert "`look` was refused" in wire.text(answer)
    assert len(runs) == 1
    assert next(iter(runs)).startswith("~")


@pytest.mark.parametrize("name", WIRES)
async def test_the_same_as_a_stream(house: Gateway, name: str) -> None:
    wire = WIRES[name]
    for made, refused in ((1, False), (2, True)):
        body = {**wire.body(f"stream {name}", made), "stream": True}
        async with house.http.post(wire.path, json=body) as answer:
            assert answer.status == 200
            assert answer.headers["x-shortstop-run"].startswith("~")
            data = await answer.read()
        if name == "anthropic.messages":
            check_anthropic(data)
        elif name == "openai.responses":
            check_responses(data)
        else:
            assert data.endswith(b"data: [DONE]\n\n")
        assert (b"was refused" in data) == refused
        calls = (b'"type":"function_call"', b'"tool_calls"', b'"tool_use"')
        assert any(call in data for call in calls) != refused


@pytest.mark.parametrize("name", WIRES)
async def test_a_poll_may_be_made_again_and_a_run_ends_at_its_limit(
    house: Gateway, name: str
) -> None:
    wire = WIRES[name]
    for made in range(4):
        status, headers, answer = await ask(house, wire, wire.body(name, made, "wait_for_it"))
        assert (status, wire.calls(answer)) == (200, ["wait_for_it"])
    status, refused, answer = await ask(house, wire, wire.body(name, 4, "wait_for_it"))
    assert status == 429
    assert wire.error(answer) == (KINDS[name], "run_budget_exceeded")
    assert "4 steps" in answer["error"]["message"]
    assert refused["x-shortstop-run"] == headers["x-shortstop-run"]
    assert refused["x-should-retry"] == "false"
    streamed = {**wire.body(name, 4, "wait_for_it"), "stream": True}
    assert (await ask(house, wire, streamed))[0] == 429, "before the first byte"


async def test_headers_name_a_run_and_lower_what_it_may_take(house: Gateway) -> None:
    wire = WIRES["openai.chat"]
    plain = {"model": "big", "messages": [{"role": "user", "content": "!say yes"}]}
    mine = {"x-shortstop-run": "job-1", "x-shortstop-run-max-steps": "1"}
    status, headers, _ = await ask(house, wire, plain, mine)
    assert (status, headers["x-shortstop-run"]) == (200, "job-1")
    assert (await ask(house, wire, plain, mine))[0] == 429
    raised = {**mine, "x-shortstop-run-max-steps": "99"}
    assert [(await ask(house, wire, plain, raised))[0] for _ in range(4)] == [200] * 3 + [429]
    for name, value in (
        ("x-shortstop-run", "two words"),
        ("x-shortstop-run-max-usd", "much"),
        ("x-shortstop-run-max-seconds", "-1"),
    ):
        status, _, answer = await ask(house, wire, plain, {name: value})
        assert status == 400, (name, value)
        assert answer["error"]["param"] == name


async def test_a_name_that_tells_something_is_not_written_down(house: Gateway) -> None:
    plain = {"model": "big", "messages": [{"role": "user", "content": "!say yes"}]}
    for name in (str(UUID(int=7)), "anna.kowalska@example.com", f"~{'2a' * 12}"):
        said = {"x-shortstop-run": name}
        status, headers, _ = await ask(house, WIRES["openai.chat"], plain, said)
        assert status == 200
        assert ("@" in name) == (headers["x-shortstop-run"] != name)
        async with house.http.post("/v1/feedback", json={"run": name, "score": 1}) as answer:
            assert answer.status == 200, name


async def test_how_a_run_ended_is_kept_for_its_own_tenant(tmp_path: Path) -> None:
    wire = WIRES["openai.chat"]
    async with running_gateway(tmp_path, more=CONFIG) as gateway:
        key = await new_key(gateway, {}, tenant="acme", run_steps=2)
        stranger = await new_key(gateway, {}, tenant="other")
        for made in range(2):
            _, headers, _ = await ask(gateway, wire, wire.body("a job", made), key)
        run = headers["x-shortstop-run"]
        assert (await ask(gateway, wire, wire.body("a job", 2), key))[0] == 429, "the key's own"
        for who, body, wanted in (
            (stranger, {"run": run, "score": 1}, 404),
            (key, {"run": run, "score": 0.9}, 200),
            (key, {"run": run, "score": 0.8}, 200),
            (key, {"run": "~unknown", "label": True}, 404),
            (key, {"run": run}, 400),
            (key, {"run": run, "request_id": "x", "score": 1}, 400),
            (key, {"score": 1}, 400),
        ):
            async with gateway.http.post("/v1/feedback", json=body, headers=who) as answer:
                assert answer.status == wanted, (body, await answer.text())
        await gateway.stop()
        with sqlite3.connect(gateway.home / "traces.db") as db:
            rows = db.execute("SELECT run, run_refusal, status FROM traces ORDER BY at").fetchall()
            grades = db.execute("SELECT trace, tenant, value, grader FROM grades").fetchall()
    assert rows == [(run, None, 200), (run, None, 200), (run, "steps", 429)]
    assert grades == [(run, "acme", 0.8, "run")]


async def test_workers_share_runs_and_a_restart_forgets_none(tmp_path: Path) -> None:
    wire = WIRES["openai.chat"]
    async with running_gateway(tmp_path, server="workers = 2", more=CONFIG) as gateway:
        runs = set()
        for made in range(3):
            body = wire.body("a job", made, "wait")
            close = {"connection": "close"}
            status, headers, _ = await ask(gateway, wire, body, close)
            assert status == 200
            runs.add(headers["x-shortstop-run"])
        await gateway.stop()
        await gateway.start()
        for made, wanted in ((3, 200), (4, 429)):
            status, headers, _ = await ask(gateway, wire, wire.body("a job", made, "wait"))
            assert status == wanted
            runs.add(headers["x-shortstop-run"])
        assert len(runs) == 1
