"""Keys, limits and budgets through a real gateway, with the official SDKs as clients."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


def asked(said: str = "!say yes", **more: Any) -> Any:
    return {"messages": [{"role": "user", "content": said}], "max_tokens": 20, **more}


def sdk(gateway: Gateway, secret: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=secret, max_retries=0)


async def made(gateway: Gateway, **grant: Any) -> dict[str, Any]:
    async with gateway.http.post(
        "/admin/keys", json={"name": "test", **grant}, headers=gateway.admin
    ) as answer:
        assert answer.status == 201, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def test_from_the_first_key_on_everybody_needs_one(gateway: Gateway) -> None:
    async with sdk(gateway, "anything") as stranger:
        await stranger.chat.completions.create(model="big", **asked())
        key = await made(gateway, tenant="acme")
        for call in (
            stranger.chat.completions.create(model="big", **asked()),
            stranger.models.list(),
        ):
            with pytest.raises(openai.AuthenticationError) as raised:
                await call
            assert raised.value.code == "invalid_api_key"
    async with sdk(gateway, key["secret"]) as friend:
        await friend.chat.completions.create(model="big", **asked())
    async with anthropic.AsyncAnthropic(
        base_url=gateway.url, api_key="wrong", max_retries=0
    ) as stranger2:
        with pytest.raises(anthropic.AuthenticationError):
            await stranger2.messages.create(model="big", **asked())
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=key["secret"]) as friend2:
        await friend2.messages.create(model="big", **asked())
    async with gateway.http.delete(f"/admin/keys/{key['id']}", headers=gateway.admin) as answer:
        assert (await answer.json())["revoked"]
    async with sdk(gateway, key["secret"]) as former:
        with pytest.raises(openai.AuthenticationError, match="revoked"):
            await former.chat.completions.create(model="big", **asked())
    assert key["secret"].encode() not in gateway.log


async def test_a_key_uses_the_models_it_may(gateway: Gateway) -> None:
    key = await made(gateway, targets=["small"])
    async with sdk(gateway, key["secret"]) as client:
        listed = {m.id async for m in client.models.list()}
        assert "small" in listed
        assert "big" not in listed
        await client.chat.completions.create(model="small", **asked())
        with pytest.raises(openai.PermissionDeniedError, match="small"):
            await client.chat.completions.create(model="big", **asked())


async def test_too_many_requests_are_told_when_to_come_back(gateway: Gateway) -> None:
    key = await made(gateway, rpm=2)
    async with sdk(gateway, key["secret"]) as client:
        for left in ("1", "0"):
            raw = await client.chat.completions.with_raw_response.create(model="big", **asked())
            assert raw.headers["x-ratelimit-remaining-requests"] == left
        with pytest.raises(openai.RateLimitError) as raised:
            await client.chat.completions.create(model="big", **asked())
    assert raised.value.code == "rate_limit_exceeded"
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 30
    assert raised.value.response.headers["x-ratelimit-limit-requests"] == "2"


async def test_embeddings_count_against_the_same_limits(gateway: Gateway) -> None:
    key = await made(gateway, rpm=1)
    async with sdk(gateway, key["secret"]) as client:
        raw = await client.embeddings.with_raw_response.create(model="auto", input="hello")
        assert raw.headers["x-ratelimit-remaining-requests"] == "0"
        assert raw.headers["x-shortstop-target"] == "static"
        with pytest.raises(openai.RateLimitError):
            await client.embeddings.create(model="auto", input="hello")


async def test_two_hundred_requests_at_once_do_not_overshoot_the_budget(gateway: Gateway) -> None:
    key = await made(gateway, budget_usd="0.002", period="total")

    async def one(client: openai.AsyncOpenAI, i: int) -> bool:
        try:
            await client.chat.completions.create(model="big", **asked(f"!say {i}"))
        except openai.RateLimitError as error:
            assert error.code == "insufficient_quota"
            return False
        return True

    async with sdk(gateway, key["secret"]) as client:
        won = sum(await asyncio.gather(*(one(client, i) for i in range(200))))
    async with gateway.http.get(f"/admin/keys/{key['id']}", headers=gateway.admin) as answer:
        told = await answer.json()
    assert 0 < won < 200
    assert Decimal(told["held_usd"]) == 0
    assert 0 < Decimal(told["spent_usd"]) <= Decimal("0.002")


async def test_listening_to_the_world_without_keys_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shortstop.toml").write_text('[models.small]\nurl = "http://127.0.0.1:9/v1"\n')
    done = await asyncio.to_thread(
        _run,
        tmp_path,
        "serve",
        "--host",
        "0.0.0.0",
        "--port",
        "0",
    )
    assert done.returncode == 2
    assert "keys create" in done.stderr
    assert "Traceback" not in done.stderr


async def test_the_command_makes_lists_and_revokes(tmp_path: Path) -> None:
    made_ = await asyncio.to_thread(
        _run, tmp_path, "keys", "create", "mail bot", "--rpm", "60", "--budget", "5", "--json"
    )
    key = json.loads(made_.stdout)
    assert key["secret"].startswith("sk-ss-")
    listed = json.loads((await asyncio.to_thread(_run, tmp_path, "keys", "list", "--json")).stdout)
    assert [(k["name"], k["rpm"], k["budget_usd"]) for k in listed] == [("mail bot", 60, "5")]
    assert key["secret"] not in json.dumps(listed)
    revoked = await asyncio.to_thread(_run, tmp_path, "keys", "revoke", "mail bot")
    assert revoked.returncode == 0
    again = await asyncio.to_thread(_run, tmp_path, "keys", "revoke", "mail bot")
    assert again.returncode == 2
    assert "keys list" in again.stderr


def _run(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shortstop", *command],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=home,
        env={**os.environ, "SHORTSTOP_HOME": str(home)},
        check=False,
    )


async def test_required_keys_and_none_made(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path, server='auth = "required"') as gateway,
        sdk(gateway, "x") as client,
    ):
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model="big", **asked())


# ---------------------------------------------------------------- idempotency


@pytest.mark.parametrize("stream", [False, True])
async def test_a_retry_with_the_same_key_gets_the_same_answer_and_costs_nothing(
    gateway: Gateway, stream: bool
) -> None:
    body = {"model": "big", **asked("!say once", stream=stream)}
    headers = {"idempotency-key": "retry-1"}
    said = []
    for _ in range(3):
        async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
            assert answer.status == 200
            said.append((await answer.read(), answer.headers["x-request-id"]))
    assert len(set(said)) == 1
    assert len(gateway.frontier.received) == 1
    other = {**body, "max_tokens": 7}
    async with gateway.http.post("/v1/chat/completions", json=other, headers=headers) as answer:
        assert answer.status == 422
        assert (await answer.json())["error"]["code"] == "idempotency_key_reused"
    await gateway.stop()
    assert gateway.rows() == [("ok", "big")]


async def test_a_second_request_waits_for_the_first_and_a_failed_one_is_tried_anew(
    gateway: Gateway,
) -> None:
    headers = {"idempotency-key": "k"}
    body = {"model": "big", **asked("!hang")}
    first = asyncio.create_task(
        gateway.http.post("/v1/chat/completions", json=body, headers=headers)
    )
    await gateway.frontier.asked.wait()
    async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        assert answer.status == 409
        assert "retry-after" in answer.headers
    first.cancel()
    await gateway.frontier.abandoned.wait()
    statuses = []
    for said in ("!status 400", "!say fine"):
        headers = {"idempotency-key": "failed"}
        body = {"model": "big", **asked(said)}
        async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
            statuses.append(answer.status)
    assert statuses == [400, 200], "an error is not kept"


async def test_keys_of_idempotency_belong_to_their_caller(gateway: Gateway) -> None:
    one, two = await made(gateway), await made(gateway)
    texts = []
    for i, key in enumerate((one, two)):
        headers = {"idempotency-key": "same", "authorization": f"Bearer {key['secret']}"}
        body = {"model": "big", **asked(f"!say number {i}")}
        async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
            texts.append((await answer.json())["choices"][0]["message"]["content"])
    assert texts == ["number 0", "number 1"]
