"""The routes that ask no model, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from starlette.testclient import TestClient

from shortstop import __version__
from shortstop.config import ServerConfig
from shortstop.server.api import api
from shortstop.server.capacity import Capacity
from shortstop.types import Admission, Caller, Target, TargetState
from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def fetch(gateway: Gateway, path: str, method: str = "GET", **more: Any) -> tuple[int, Any]:
    async with gateway.http.request(method, path, **more) as answer:
        assert answer.headers["content-type"] == "application/json"
        return answer.status, await answer.json()


async def test_the_index_says_what_answers_here(shared_gateway: Gateway) -> None:
    assert await fetch(shared_gateway, "/") == (
        200,
        {"name": "shortstop", "version": __version__, "openapi": "/openapi.json"},
    )
    assert await fetch(shared_gateway, "/health") == (200, {"status": "ok", "version": __version__})


async def test_readiness_names_every_part(shared_gateway: Gateway) -> None:
    status, body = await fetch(shared_gateway, "/ready")
    assert status == 200
    assert body == {
        "ready": True,
        "engines": {"small": "external"},
        "upstreams": {"big": "closed"},
        "traces": {"state": "ok", "detail": body["traces"]["detail"], "pending": 0},
        "why": "",
        "replica": None,
        "config": body["config"],
    }
    assert re.fullmatch("[0-9a-f]{12}", body["config"])


async def test_models_say_what_they_are(shared_gateway: Gateway) -> None:
    status, body = await fetch(shared_gateway, "/v1/models")
    assert status == 200
    assert body["object"] == "list"
    models = {model["id"]: model for model in body["data"]}
    assert all(model["object"] == "model" and model["created"] > 0 for model in models.values())
    assert models["auto"]["owned_by"] == "shortstop"
    assert set(models["auto"]["shortstop"]) == {"description"}
    assert models["small"]["shortstop"] == {
        "local": True,
        "model": "small",
        "context": 4096,
        "abilities": ["json", "logprobs", "tools"],
    }
    assert models["big"]["owned_by"] == "vendor"
    assert models["big"]["shortstop"]["local"] is False
    assert await fetch(shared_gateway, "/v1/models/big") == (200, models["big"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keyed_gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    home = tmp_path_factory.mktemp("keyed")
    async with running_gateway(home, server='auth = "required"') as running:
        yield running


ERRORS = [
    (
        "GET",
        "/v1/models/gpt-99",
        404,
        "model_not_found",
        "does not exist. Available: auto",
    ),
    ("GET", "/v1/models/a/b", 404, "model_not_found", "'a/b' does not exist"),
    ("GET", "/v1/responses/resp_1", 404, "not_found", "Response with id 'resp_1' not found"),
    ("DELETE", "/v1/responses/resp_1", 404, "not_found", "Response with id 'resp_1' not found"),
    ("GET", "/v2/models", 404, "not_found", "Not found: /v2/models. See /openapi.json."),
    ("GET", "/admin/keys/key_1", 401, "invalid_admin_token", "admin token is missing or wrong"),
    ("GET", "/v1/feedback", 405, "method_not_allowed", "GET is not allowed here"),
    ("PATCH", "/v1/models", 405, "method_not_allowed", "PATCH is not allowed here"),
]


@pytest.mark.parametrize(("method", "path", "status", "code", "message"), ERRORS)
async def test_errors_have_openais_form_and_say_what_is_wrong(
    shared_gateway: Gateway, method: str, path: str, status: int, code: str, message: str
) -> None:
    found, body = await fetch(shared_gateway, path, method)
    assert found == status
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["code"] == code
    assert message in body["error"]["message"]


async def test_an_error_counts_as_refused(shared_gateway: Gateway) -> None:
    async def refused() -> float:
        async with shared_gateway.http.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        counts = [x for x in lines if x.startswith('shortstop_refused_total{status="404"}')]
        return float(counts[0].split()[-1]) if counts else 0.0

    before = await refused()
    await fetch(shared_gateway, "/v1/nowhere")
    assert await refused() == before + 1


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v1/models", "GET"),
        ("/v1/models/big", "GET"),
        ("/v1/responses/resp_1", "GET"),
        ("/v1/responses/resp_1", "DELETE"),
        ("/v1/feedback", "POST"),
    ],
)
async def test_where_keys_are_required_everything_personal_asks_for_one(
    keyed_gateway: Gateway, path: str, method: str
) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": "sk-ss-wrong"}):
        status, body = await fetch(keyed_gateway, path, method, headers=headers)
        assert status == 401
        assert body["error"]["code"] == "invalid_api_key"
    for public in ("/", "/health", "/ready", "/openapi.json"):
        assert (await fetch(keyed_gateway, public))[0] == 200


async def test_a_target_that_serves_nobody_yet_is_not_listed() -> None:
    """A candidate, or one that is asked unseen, is no model for clients."""
    states: tuple[TargetState, ...] = ("candidate", "shadow", "canary", "live", "retired")
    targets = {
        state: Target(state, state, local=True, provider="embedded", context=1, state=state)
        for state in states
    }

    async def counted(caller: Caller) -> Admission:
        return Admission()

    gateway = SimpleNamespace(
        targets=targets,
        notices={},
        identify=lambda secret: Caller(),
        count=counted,
        server=ServerConfig(),
        started=1,
    )
    client = TestClient(api(gateway, Capacity(ServerConfig)))  # type: ignore[arg-type]
    listed = [model["id"] for model in client.get("/models").json()["data"]]
    assert listed == ["auto", "local", "canary", "live"]
