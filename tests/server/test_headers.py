"""Every header of our own that leaves is in the one list, and everything in the list does leave."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from shortstop.server.headers import RESPONSE_HEADERS
from shortstop.server.openapi import document
from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

HTTP_OWN = {
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "server",
    "transfer-encoding",
    "x-accel-buffering",
}
CHAT = "/v1/chat/completions"


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "big", "messages": [{"role": "user", "content": text}], **more}


async def headers_of(gateway: Gateway, path: str, **request: Any) -> set[str]:
    method = "POST" if "json" in request or "data" in request else "GET"
    async with gateway.http.request(method, path, **request) as answer:
        await answer.read()
        return {name.lower() for name in answer.headers}


async def test_the_list_is_what_leaves(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        retry = {"idempotency-key": "once", "x-shortstop-run": "job"}
        claude = {**chat("!say x"), "max_tokens": 9}
        seen = [
            await headers_of(gateway, CHAT, json=chat("!say x"), headers=retry),
            await headers_of(gateway, CHAT, json=chat("!say x"), headers=retry),
            await headers_of(gateway, CHAT, json=chat("!say x", stream=True)),
            await headers_of(gateway, CHAT, json=chat("!status 429 retry=30")),
            await headers_of(gateway, CHAT, json=chat("!status 500")),
            await headers_of(gateway, CHAT, data=b"{"),
            await headers_of(gateway, CHAT),
            await headers_of(gateway, "/v1/responses", json={"model": "big", "input": "!say x"}),
            await headers_of(gateway, "/v1/messages", json=claude),
            await headers_of(gateway, "/v1/messages/count_tokens", json=claude),
            await headers_of(gateway, "/v1/embeddings", json={"model": "auto", "input": "x"}),
            *[await headers_of(gateway, path) for path in ("/", "/v1/models", "/ready", "/none")],
        ]
        grant = {"name": "x", "rpm": 1, "tpm": 1_000_000, "budget_usd": "0.0000001"}
        async with gateway.http.post("/admin/keys", json=grant, headers=gateway.admin) as answer:
            key = {"authorization": f"Bearer {(await answer.json())['secret']}"}
        for _ in range(2):  # beyond the budget, then beyond the limit
            seen.append(await headers_of(gateway, CHAT, json=chat("!say x"), headers=key))
        assert "x-should-retry" in seen[-2]
        assert "x-ratelimit-reset-tokens" in seen[-1] | seen[-2]
    specialists = {"x-shortstop-specialist"}  # see test_specialists
    assert set().union(*seen) - HTTP_OWN == set(RESPONSE_HEADERS) - specialists
    assert all("x-request-id" in headers for headers in seen)


async def test_each_is_described_once_and_in_the_document() -> None:
    described = document()["components"]["headers"]
    assert set(described) == set(RESPONSE_HEADERS)
    for name, about in RESPONSE_HEADERS.items():
        assert re.fullmatch("[a-z]+(-[a-z]+)*", name)
        assert described[name]["description"] == about
        assert about
        assert not about.endswith(".")
