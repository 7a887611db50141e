"""Administration over real HTTP: keys are made, shown without their secret, and ended."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from shortstop.privacy.audit import records
from shortstop.server.caller import conversation_id
from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "the admin's own token"
ADMIN = {"authorization": f"Bearer {TOKEN}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    home = tmp_path_factory.mktemp("admin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHORTSTOP_ADMIN_TOKEN", TOKEN)
        async with running_gateway(home) as running:
            yield running


async def ask(gateway: Gateway, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    async with gateway.http.request(method, path, data=data, headers=ADMIN) as answer:
        return answer.status, await answer.json()


DEFAULTS = {
    "run_usd": None,
    "run_steps": None,
    "run_seconds": None,
    "tenant": "default",
    "team": None,
    "service": False,
    "moved": None,
    "replaced": [],
    "role": "user",
    "console": None,
    "targets": [],
    "rpm": None,
    "tpm": None,
    "budget_usd": None,
    "period": "month",
    "expires": None,
    "revoked": None,
}


async def test_a_key_is_shown_with_its_secret_once(gateway: Gateway) -> None:
    status, created = await ask(gateway, "POST", "/admin/keys", {"name": "mail bot"})
    assert status == 201
    secret = created.pop("secret")
    assert secret.startswith("sk-ss-")
    assert secret.endswith(created["tail"])
    assert created == {
        **DEFAULTS,
        "name": "mail bot",
        "id": created["id"],
        "tail": created["tail"],
        "created": created["created"],
    }
    _, listed = await ask(gateway, "GET", "/admin/keys")
    assert created in listed["data"]
    _, shown = await ask(gateway, "GET", f"/admin/keys/{created['id']}")
    assert shown == {**created, "spent_usd": "0", "held_usd": "0"}
    assert secret not in json.dumps([listed, shown])


async def test_every_term_of_a_key_is_kept(gateway: Gateway) -> None:
    terms = {
        "name": "judge",
        "tenant": "acme",
        "role": "judge",
        "targets": ["small"],
        "rpm": 5,
        "tpm": 500,
        "budget_usd": "0.50",
        "period": "day",
        "expires": 4e9,
    }
    _, created = await ask(gateway, "POST", "/admin/keys", terms)
    assert {name: created[name] for name in terms} == terms
    _, shown = await ask(gateway, "GET", f"/admin/keys/{created['id']}")
    assert {name: shown[name] for name in terms} == terms


@pytest.mark.parametrize(("budget", "kept"), [("0.50", "0.50"), (0.1, "0.1"), (25, "25.0")])
async def test_a_budget_is_exact(gateway: Gateway, budget: Any, kept: str) -> None:
    _, created = await ask(gateway, "POST", "/admin/keys", {"name": "x", "budget_usd": budget})
    assert Decimal(created["budget_usd"]) == Decimal(kept)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'"\xff"', "UTF-8"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nested"),
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "tenant": ""}, "tenant"),
        ({"name": "x", "rpm": 0}, "rpm"),
        ({"name": "x", "tpm": 1.5}, "tpm"),
        ({"name": "x", "role": "admin"}, "role"),
        ({"name": "x", "period": "week"}, "period"),
        ({"name": "x", "budget_usd": "0"}, "budget_usd must be US dollars above 0"),
        ({"name": "x", "budget_usd": "1e3"}, "budget_usd must be US dollars above 0"),
        ({"name": "x", "budget_usd": -1}, "budget_usd"),
        ({"name": "x", "bugdet_usd": "5"}, "bugdet_usd"),
        ({"name": "x", "secret": "sk-mine"}, "secret"),
    ],
)
async def test_a_bad_request_says_which_field_is_wrong(
    gateway: Gateway, body: Any, word: str
) -> None:
    _, before = await ask(gateway, "GET", "/admin/keys")
    status, answer = await ask(gateway, "POST", "/admin/keys", body)
    assert status == 400
    assert word in answer["error"]["message"]
    assert await ask(gateway, "GET", "/admin/keys") == (200, before)


async def test_a_revoked_key_stays_listed(gateway: Gateway) -> None:
    _, key = await ask(gateway, "POST", "/admin/keys", {"name": "short-lived"})
    status, revoked = await ask(gateway, "DELETE", f"/admin/keys/{key['id']}")
    assert status == 200
    assert revoked["revoked"] >= key["created"]
    assert await ask(gateway, "DELETE", f"/admin/keys/{key['id']}") == (200, revoked)
    _, listed = await ask(gateway, "GET", "/admin/keys")
    assert revoked in listed["data"]
    for method in ("GET", "DELETE"):
        assert (await ask(gateway, method, "/admin/keys/key_none"))[0] == 404


ROUTES = [
    ("GET", "/admin/keys"),
    ("POST", "/admin/keys"),
    ("GET", "/admin/keys/key_1"),
    ("DELETE", "/admin/keys/key_1"),
    ("POST", "/admin/reload"),
    ("DELETE", "/admin/conversations/default/c"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_the_token_nothing_is_administered(
    gateway: Gateway, method: str, path: str
) -> None:
    _, key = await ask(gateway, "POST", "/admin/keys", {"name": "x", "role": "reviewer"})
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Bearer {key['secret']}"},
    ):
        async with gateway.http.request(method, path, headers=headers) as answer:
            assert answer.status == 401, "also from this machine, and with any key"
            assert TOKEN not in await answer.text()


async def test_erasing_says_what_there_was(gateway: Gateway) -> None:
    _, key = await ask(gateway, "POST", "/admin/keys", {"name": "x", "tenant": "acme"})
    headers = {
        "authorization": f"Bearer {key['secret']}",
        "x-shortstop-conversation": "a case",
    }
    for _ in range(2):
        body = {"model": "big", "input": "!say x"}
        async with gateway.http.post("/v1/responses", json=body, headers=headers) as answer:
            assert answer.status == 200
    path = "/admin/conversations/acme/a%20case"
    _, first = await ask(gateway, "DELETE", path)
    assert first == {
        "erased": {"surrogates": False, "traces": 2, "responses": 2, "answers": 0, "files": 0}
    }
    _, again = await ask(gateway, "DELETE", path)
    assert again["erased"]["responses"] == 0
    details = [r.event.detail for r in records(gateway.home / "changes.log")]
    shown = conversation_id("a case")
    assert details.count(f"admin token: erase the conversation {shown} of acme") == 2
    assert not [one for one in details if "a case" in one], "its name may be a person's"
    await ask(gateway, "DELETE", f"/admin/conversations/acme/{shown}")
    details = [r.event.detail for r in records(gateway.home / "changes.log")]
    assert details.count(f"admin token: erase the conversation {shown} of acme") == 3
    _, other = await ask(gateway, "DELETE", "/admin/conversations/rival/a%20case")
    assert other == {
        "erased": {"surrogates": False, "traces": 0, "responses": 0, "answers": 0, "files": 0}
    }
