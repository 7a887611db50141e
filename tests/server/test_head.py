"""Heads as bytes on the wire, to a real gateway: what no client library would send."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.server.conftest import Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASK = json.dumps(
    {"model": "big", "max_tokens": 5, "messages": [{"role": "user", "content": "!say spent"}]}
)
HERE = "Host: 127.0.0.1:8484"
JSON = "Content-Type: application/json"


async def answer(gateway: Gateway, *lines: str, body: str = "") -> tuple[int, Any]:
    """Status and JSON of one request."""
    port = int(gateway.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = [*lines, "Connection: close"]
    if body:
        head.append(f"Content-Length: {len(body)}")
    writer.write(("\r\n".join(head) + "\r\n\r\n" + body).encode("latin-1"))
    try:
        async with asyncio.timeout(20):
            whole = await reader.read()
    finally:
        writer.close()
    top, _, rest = whole.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(rest) if rest.startswith(b"{") else rest


async def post(gateway: Gateway, *headers: str, path: str = "/v1/chat/completions") -> Any:
    return await answer(gateway, f"POST {path} HTTP/1.1", *headers, body=ASK)


async def test_the_plain_way_works(shared_gateway: Gateway) -> None:
    before = len(shared_gateway.frontier.received)
    assert (await post(shared_gateway, HERE, JSON))[0] == 200
    assert len(shared_gateway.frontier.received) == before + 1


HOSTS = {
    "none": [],
    "empty": ["Host:"],
    "another": ["Host: evil.com:8484"],
    "a trailing dot": ["Host: evil.com."],
    "upper case": ["HOST: EVIL.COM"],
    "ours and another": [HERE, "Host: evil.com"],
    "another and ours": ["Host: evil.com", HERE],
    "the same twice": [HERE, HERE],
    "a user": ["Host: 127.0.0.1:8484@evil.com"],
    "a list": ["Host: 127.0.0.1:8484, evil.com"],
}


@pytest.mark.parametrize("hosts", HOSTS.values(), ids=HOSTS.keys())
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE", "PATCH", "TRACE"])
async def test_for_another_host_no_method_does_anything(
    shared_gateway: Gateway, hosts: list[str], method: str
) -> None:
    for path in ("/v1/models", "/v1/chat/completions", "/admin/keys", "/health"):
        status, _ = await answer(shared_gateway, f"{method} {path} HTTP/1.1", *hosts)
        assert status in (400, 403), path


@pytest.mark.parametrize("hosts", HOSTS.values(), ids=HOSTS.keys())
async def test_nothing_is_spent_for_another_host(shared_gateway: Gateway, hosts: list[str]) -> None:
    before = len(shared_gateway.frontier.received)
    assert (await post(shared_gateway, *hosts, JSON))[0] in (400, 403)
    assert len(shared_gateway.frontier.received) == before


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
async def test_a_proxys_own_version_needs_a_host_too(shared_gateway: Gateway, version: str) -> None:
    assert (await answer(shared_gateway, f"GET /health {version}"))[0] == 400
    assert (await answer(shared_gateway, f"GET /health {version}", HERE))[0] == 200


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.com:8484/v1/models",
        "http://127.0.0.1:8484/v1/models",
        "HTTP://user@evil.com/v1/chat/completions",
        "evil.com:443",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "CONNECT"])
async def test_the_target_of_a_request_is_a_path(
    shared_gateway: Gateway, method: str, target: str
) -> None:
    """A server must take the host of a whole URL for the one that is meant (RFC 9112, 3.2.2)."""
    status, _ = await answer(shared_gateway, f"{method} {target} HTTP/1.1", HERE)
    assert status == 400


UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
NONCE = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/admin/keys", "/"])
async def test_a_page_opens_no_socket(shared_gateway: Gateway, path: str) -> None:
    head = [f"GET {path} HTTP/1.1", HERE, *UPGRADE, NONCE, "Origin: https://evil.com"]
    assert (await answer(shared_gateway, *head))[0] == 403


@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/chat/completions", "code"), ("/v1/messages", "type"), ("/v1/responses", "code")],
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([HERE, "Content-Type: text/plain"], 415),
        ([HERE], 415),
        ([HERE, JSON, JSON], 400),
        ([HERE, JSON, "Origin: null"], 403),
        ([HERE, JSON, "Sec-Fetch-Site: same-site"], 403),
        (["Host: evil.com", JSON], 403),
    ],
)
async def test_a_refusal_is_in_the_dialect_of_the_route(
    shared_gateway: Gateway, path: str, field: str, headers: list[str], status: int
) -> None:
    found, told = await post(shared_gateway, *headers, path=path)
    assert found == status
    assert told["error"]["message"]
    assert field in told["error"]
    assert (told.get("type") == "error") is (path == "/v1/messages")
