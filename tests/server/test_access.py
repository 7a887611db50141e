"""A key's models, rates and budget hold on every route, walked from the routers' own tables.

A route that is added and forgotten here has no example, which is a failure of its own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from starlette.routing import Route

from shortstop.config import ServerConfig
from shortstop.server.access import Endpoint
from shortstop.server.asgi import Dispatcher
from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

VECTORS = """
[upstreams.vendor.models.vectors]
abilities = ["embeddings"]
price = "text-embedding-3-small"
[upstreams.other]
base_url = "{url}"
dialect = "anthropic"
api_key_env = "VENDOR_KEY"
retries = 0
[upstreams.other.models.claude]
price = "claude-opus-5-5"
"""
ASK = {"messages": [{"role": "user", "content": "!say yes"}], "max_tokens": 5}
BODIES: dict[str, dict[str, Any]] = {
    "/chat/completions": ASK,
    "/messages": ASK,
    "/messages/count_tokens": {
        "messages": [{"role": "user", "content": "How many tokens is this?"}]
    },
    "/completions": {"prompt": "!say yes", "max_tokens": 5},
    "/responses": {"input": "!say yes", "max_output_tokens": 16},
    "/embeddings": {"input": "some words"},
}
REMOTE = {"/embeddings": "vectors", "/messages/count_tokens": "claude"}
"""The model elsewhere that a route can ask, where it is not `big`."""
FEEDBACK = {"request_id": "req_1", "score": 1}
BATCH = {
    "input_file_id": "file-none",
    "endpoint": "/v1/chat/completions",
    "completion_window": "24h",
}
HIDDEN = ("big", "vectors", "claude", "vendor", "other")
"""Words that a key for `small` alone must never read."""

DISPATCHER = Dispatcher(
    SimpleNamespace(server=ServerConfig(), asks_for_keys=False)  # type: ignore[arg-type]
)
COLD = [route for route in DISPATCHER._cold.routes if isinstance(route, Route)]
ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    (method, route.path): endpoint
    for route in COLD
    for method, endpoint in route.endpoint.endpoints.items()
}
HOT = pytest.mark.parametrize("path", sorted(DISPATCHER.hot))
KEYED = pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", path) for path in sorted(DISPATCHER.hot)),
        *(key for key, endpoint in ENDPOINTS.items() if endpoint.needs == "key"),
    ],
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    home = tmp_path_factory.mktemp("access")
    async with running_gateway(home, server='auth = "required"') as running:
        running.configure('auth = "required"', VECTORS.format(url=running.frontier.url))
        async with running.http.post("/admin/reload", headers=running.admin) as answer:
            assert answer.status == 200, await answer.text()
        yield running


async def key_for(gateway: Gateway, **grant: Any) -> dict[str, str]:
    body = {"name": "walker", **grant}
    async with gateway.http.post("/admin/keys", json=body, headers=gateway.admin) as answer:
        assert answer.status == 201, await answer.text()
        return {"authorization": f"Bearer {(await answer.json())['secret']}"}


async def upload(gateway: Gateway, headers: dict[str, str]) -> tuple[int, str]:
    form = aiohttp.FormData({"purpose": "batch"})
    form.add_field("file", b"{}\n", filename="in.jsonl")
    # The fixture's client names JSON as every body's type.
    async with (
        aiohttp.ClientSession(gateway.url, headers=headers) as client,
        client.post("/v1/files", data=form) as answer,
    ):
        return answer.status, await answer.text() + json.dumps(dict(answer.headers))


async def ask(
    gateway: Gateway, method: str, path: str, headers: dict[str, str], model: str = "small"
) -> tuple[int, str]:
    """Status, and all that was told, headers included."""
    body: Any = {**BODIES[path], "model": model} if path in BODIES else None
    if method == "POST" and path in ("/feedback", "/batches"):
        body = FEEDBACK if path == "/feedback" else BATCH
    if method == "POST" and path == "/files":
        return await upload(gateway, headers)
    url = "/v1" + path.replace("{id:path}", "none").replace("{id}", "none")
    async with gateway.http.request(method, url, json=body, headers=headers) as answer:
        told = await answer.text()
        return answer.status, told + json.dumps(dict(answer.headers))


# ---------------------------------------------------------------- by construction


async def test_every_route_says_who_may_call_it() -> None:
    assert all(isinstance(endpoint, Endpoint) for endpoint in ENDPOINTS.values())
    assert len(COLD) == len(DISPATCHER._cold.routes), "nothing is added beside `route`"
    by_need: dict[str, set[str]] = {}
    for (_, path), endpoint in ENDPOINTS.items():
        by_need.setdefault(endpoint.needs, set()).add(path)
    signing_in = {"/admin/sessions"}
    assert by_need["nothing"] == {"/", "/docs", "/openapi.json", "/health"} | signing_in
    assert by_need["key elsewhere"] == {"/ready", "/metrics"}
    admin = {path for _, path in ENDPOINTS if path.startswith("/admin")}
    assert by_need["operator"] == {path for path in admin if path.startswith("/admin/traces")}
    own_team = {path for path in admin if path.split("/")[2] == "team"}
    assert by_need["team lead"] == own_team
    assert by_need["admin token"] == admin - by_need["operator"] - own_team - signing_in
    assert set(DISPATCHER.hot) == set(BODIES), "every route has an example here"


# ---------------------------------------------------------------- rates


@KEYED
async def test_the_second_request_of_a_minute_is_one_too_many(
    gateway: Gateway, method: str, path: str
) -> None:
    key = await key_for(gateway, rpm=1)
    status, told = await ask(gateway, method, path, key)
    assert status in (200, 404), told
    assert "x-ratelimit-remaining-requests" in told or status == 404
    for _ in range(3):
        status, told = await ask(gateway, method, path, key)
        assert status == 429, told
        assert "retry-after" in told


@HOT
async def test_tokens_are_counted_too(gateway: Gateway, path: str) -> None:
    key = await key_for(gateway, tpm=1)
    status, told = await ask(gateway, "POST", path, key)
    assert status == 429, told
    assert "tokens a minute" in told


async def test_an_answer_that_is_given_again_counts(gateway: Gateway) -> None:
    key = await key_for(gateway, rpm=2) | {"idempotency-key": "once"}
    statuses = [(await ask(gateway, "POST", "/chat/completions", key))[0] for _ in range(4)]
    assert statuses == [200, 200, 429, 429]


# ---------------------------------------------------------------- budget


@HOT
async def test_a_budget_that_does_not_cover_it_reaches_no_vendor(
    gateway: Gateway, path: str
) -> None:
    key = await key_for(gateway, budget_usd="0.000000001")
    before = len(gateway.frontier.received)
    status, told = await ask(gateway, "POST", path, key, REMOTE.get(path, "big"))
    assert status == 429, told
    assert "insufficient_quota" in told or "budget" in told
    assert len(gateway.frontier.received) == before


# ---------------------------------------------------------------- models


@HOT
@pytest.mark.parametrize("model", ["named", "auto", "local", "unheard-of"])
async def test_a_local_keys_prompt_reaches_no_vendor_and_reads_of_none(
    gateway: Gateway, path: str, model: str
) -> None:
    key = await key_for(gateway, targets=["small"])
    before = len(gateway.frontier.received)
    named = REMOTE.get(path, "big") if model == "named" else model
    status, told = await ask(gateway, "POST", path, key, named)
    assert len(gateway.frontier.received) == before
    if model == "named":
        assert status == 403, told
        told = told.replace(f'"{named}"', "")
    words = told.replace("otherwise", "").replace("another", "")
    assert not any(word in words for word in HIDDEN), told


@KEYED
async def test_what_a_local_key_reads_names_nothing_else(
    gateway: Gateway, method: str, path: str
) -> None:
    key = await key_for(gateway, targets=["small"])
    _, told = await ask(gateway, method, path, key)
    assert not any(word in told.replace("another", "") for word in HIDDEN), told


async def test_the_state_of_models_is_told_to_who_may_use_them(gateway: Gateway) -> None:
    elsewhere = {"x-forwarded-for": "10.0.0.9"}
    key = await key_for(gateway, targets=["small"]) | elsewhere
    _, told = await ask(gateway, "GET", "/ready", key)
    assert "small" in told
    assert not any(word in told for word in HIDDEN)
    assert (await ask(gateway, "GET", "/metrics", key))[0] == 403
    everything = await key_for(gateway) | elsewhere
    assert "big" in (await ask(gateway, "GET", "/ready", everything))[1]
    assert (await ask(gateway, "GET", "/metrics", everything))[0] == 200


# ---------------------------------------------------------------- nobody


@KEYED
@pytest.mark.parametrize(
    "shown",
    [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "sk-ss-wrong"}, {"api-key": ""}],
    ids=["nothing", "a wrong key", "another wrong key", "an empty one"],
)
async def test_strangers_are_served_nowhere(
    gateway: Gateway, method: str, path: str, shown: dict[str, str]
) -> None:
    before = len(gateway.frontier.received) + len(gateway.local.received)
    status, told = await ask(gateway, method, path, shown)
    assert status == 401, told
    assert len(gateway.frontier.received) + len(gateway.local.received) == before


@KEYED
async def test_two_keys_are_served_nowhere(gateway: Gateway, method: str, path: str) -> None:
    one, two = await key_for(gateway), await key_for(gateway)
    secret = two["authorization"].removeprefix("Bearer ")
    for second in ({"x-api-key": secret}, {"api-key": secret}):
        status, told = await ask(gateway, method, path, one | second)
        assert status == 400, told
        assert secret not in told


@pytest.mark.parametrize("path", ["/ready", "/metrics"])
async def test_operations_answer_this_machine_and_others_with_a_key(
    gateway: Gateway, path: str
) -> None:
    assert (await ask(gateway, "GET", path, {}))[0] == 200
    elsewhere = {"x-forwarded-for": "10.0.0.9"}
    assert (await ask(gateway, "GET", path, elsewhere))[0] == 401
    assert (await ask(gateway, "GET", path, elsewhere | await key_for(gateway)))[0] == 200


async def test_the_operator_may_open_them(gateway: Gateway) -> None:
    elsewhere = {"forwarded": "for=10.0.0.9"}
    gateway.configure('auth = "required"\nopen_routes = ["ready"]')
    async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
        assert answer.status == 200
    try:
        assert (await ask(gateway, "GET", "/ready", elsewhere))[0] == 200
        assert (await ask(gateway, "GET", "/metrics", elsewhere))[0] == 401
    finally:
        gateway.configure('auth = "required"', VECTORS.format(url=gateway.frontier.url))
        async with gateway.http.post("/admin/reload", headers=gateway.admin) as answer:
            assert answer.status == 200


# ---------------------------------------------------------------- administration


@pytest.mark.parametrize(
    ("method", "path"),
    [key for key, endpoint in ENDPOINTS.items() if endpoint.needs == "admin token"],
)
async def test_administration_is_for_the_token_on_this_machine(
    gateway: Gateway, method: str, path: str
) -> None:
    url = path.replace("{id:path}", "c").replace("{id}", "none").replace("{tenant}", "t")
    key = await key_for(gateway, role="reviewer")
    refused: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        (key, 401),
        ({"authorization": "Bearer ss-admin-wrong"}, 401),
        (gateway.admin | {"x-forwarded-for": "127.0.0.1"}, 403),
        (gateway.admin | {"forwarded": "for=1.2.3.4"}, 403),
        (gateway.admin | {"origin": "http://127.0.0.1:1"}, 403),
        (gateway.admin | {"sec-fetch-site": "same-origin"}, 403),
        (gateway.admin | {"host": "evil.com"}, 403),
        (gateway.admin | {"x-api-key": "sk-ss-other"}, 400),
    ]
    for headers, status in refused:
        async with gateway.http.request(method, url, headers=headers) as answer:
            assert answer.status == status, (headers.keys(), await answer.text())
    for prefix in ("/v1", ""):
        asked = {"origin": "https://app.example", "access-control-request-method": method}
        async with gateway.http.options(prefix + url, headers=asked) as answer:
            assert answer.status == 403
            assert not any("access-control" in name.lower() for name in answer.headers)
