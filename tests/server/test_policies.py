"""Policies of tenants as a client meets them: over HTTP, by key, also after a reload."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIL = "jane.doe@acme-corp.com"
PLAN = "the quick plan is to open twelve new shops in the north before winter"
POLICIES = """
[privacy]
tenants = {{ acme = "careful", lab = "{lab}" }}
terms = {{ acme = ["Project Osprey"] }}
documents = {{ acme = ["{plan}"] }}
[privacy.policies.careful]
version = "3"
rules = [
  {{ tier = "S2", action = "pseudonymise", route = "mail" }},
  {{ labels = ["PHONE"], action = "block" }},
  {{ tier = "S2", action = "block", min_count = 4 }},
]
[privacy.policies.elsewhere]
providers = ["somebody-else"]
[privacy.policies.abroad]
regions = ["eu"]
[privacy.policies.signed]
baa_required = true
[privacy.policies.trial]
dry_run = true
providers = ["somebody-else"]
rules = [{{ tier = "S0", action = "block" }}, {{ tier = "S2", action = "block" }}]
"""


async def started(gateway: Gateway, lab: str) -> dict[str, str]:
    """With one key for each tenant."""
    plan = gateway.home / "plan.txt"
    plan.write_text(PLAN)
    gateway.configure(more=POLICIES.format(plan=plan, lab=lab))
    async with gateway.http.post("/admin/reload", headers=ADMIN) as answer:
        assert answer.status == 200
    secrets = {}
    for tenant in ("acme", "lab", "other"):
        grant = {"name": tenant, "tenant": tenant}
        async with gateway.http.post("/admin/keys", json=grant, headers=ADMIN) as answer:
            secrets[tenant] = (await answer.json())["secret"]
    return secrets


ADMIN = {"authorization": "Bearer admin"}


async def ask(gateway: Gateway, secret: str, said: str, **headers: str) -> tuple[int, str, str]:
    """Status, who answered, what."""
    body = {"model": "big", "messages": [{"role": "user", "content": said}], "max_tokens": 9}
    headers["authorization"] = f"Bearer {secret}"
    async with gateway.http.post("/v1/chat/completions", json=body, headers=headers) as answer:
        told: dict[str, Any] = json.loads(await answer.text())
        text = told["choices"][0]["message"]["content"] if answer.status == 200 else str(told)
        return answer.status, answer.headers.get("x-shortstop-target", ""), text


async def test_each_tenant_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTSTOP_ADMIN_TOKEN", "admin")
    async with running_gateway(tmp_path) as gateway:
        keys = await started(gateway, "careful")
        route = {"x-shortstop-task": "mail"}
        status, target, text = await ask(gateway, keys["acme"], f"!say to {MAIL}", **route)
        assert (status, target, text) == (200, "big", f"to {MAIL}"), "there and back again"
        assert (await ask(gateway, keys["acme"], f"!say to {MAIL}"))[1] == "small"
        assert (await ask(gateway, keys["acme"], "call +1 415 555 2671"))[0] == 403
        many = " ".join(f"a{i}@acme-corp.com" for i in range(4))
        assert (await ask(gateway, keys["acme"], many, **route))[0] == 403
        for pinned in ("tell me of project osprey", f"so: {PLAN[18:]}?"):
            assert (await ask(gateway, keys["acme"], pinned))[1] == "small"
            assert (await ask(gateway, keys["other"], pinned))[1] == "big"
        assert (await ask(gateway, keys["other"], f"!say to {MAIL}", **route))[1] == "small"
    sent = b"".join(gateway.frontier.received)
    assert MAIL.encode() not in sent
    assert b"@example." in sent


@pytest.mark.parametrize(
    ("policy", "status"), [("elsewhere", 403), ("abroad", 403), ("signed", 403), ("trial", 200)]
)
async def test_lists_of_providers_regions_and_contracts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, status: int
) -> None:
    monkeypatch.setenv("SHORTSTOP_ADMIN_TOKEN", "admin")
    async with running_gateway(tmp_path) as gateway:
        keys = await started(gateway, policy)
        assert (await ask(gateway, keys["lab"], "hello"))[0] == status
        assert (await ask(gateway, keys["other"], "hello"))[0] == 200
    assert len(gateway.frontier.received) == 1 + (status == 200)


async def test_a_task_that_is_a_value_is_refused_without_repeating_it(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        said = {"x-shortstop-task": f"mail-to-{MAIL}"}
        status, _, text = await ask(gateway, "any", "hello", **said)
        assert status == 400
        assert "x-shortstop-task" in text
        assert MAIL not in text
        assert (await ask(gateway, "any", "hello", **{"x-shortstop-task": "mail.sort-2"}))[0] == 200
