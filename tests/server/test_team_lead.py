"""Leads of teams over real HTTP, some hostile: the own team's keys and money, nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shortstop.privacy.audit import records
from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDDEN = ("rival", "victim", "4321.09", "987.65")
"""What a lead of `acme/sales` must never read: names, budgets and money of others."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running_gateway(
        tmp_path_factory.mktemp("leads"), server='auth = "required"'
    ) as running:
        yield running


async def ask(
    gateway: Gateway, headers: dict[str, str], method: str, path: str, body: Any = None
) -> tuple[int, Any]:
    async with gateway.http.request(method, path, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def admin(gateway: Gateway, method: str, path: str, body: Any = None) -> Any:
    status, told = await ask(gateway, gateway.admin, method, path, body)
    assert status in (200, 201), told
    return told


async def key(gateway: Gateway, name: str, **more: Any) -> tuple[Any, dict[str, str]]:
    """The key, and the headers that show it."""
    made = await admin(gateway, "POST", "/admin/keys", {"name": name, **more})
    return made, {"authorization": f"Bearer {made.pop('secret')}"}


class Town:
    """Two organisations with a team each; `lead` leads `acme/sales`, `victim` is in the other."""

    lead: dict[str, str]
    lead_key: Any
    team: Any
    rival: Any
    victim: Any
    rival_lead: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(gateway: Gateway) -> Town:
    town = Town()
    for name, budget in (("acme", "100"), ("rival", "4321.09")):
        await admin(gateway, "POST", "/admin/organisations", {"name": name, "budget_usd": budget})
    for organisation, name, budget in (("acme", "sales", "50"), ("rival", "victims", "987.65")):
        body = {"name": name, "organisation": organisation, "budget_usd": budget}
        made = await admin(gateway, "POST", "/admin/teams", body)
        if organisation == "acme":
            town.team = made
        else:
            town.rival = made
    town.lead_key, town.lead = await key(gateway, "lea", team="sales", role="team-lead")
    town.victim, _ = await key(gateway, "victim", team="rival/victims")
    _, town.rival_lead = await key(gateway, "rival lead", team="victims", role="team-lead")
    return town


async def raw(gateway: Gateway, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """The answer to a path as it is, which clients would have made tidy."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", "connection: close",
             "content-type: application/json", "content-length: 2",
             *(f"{name}: {value}" for name, value in headers.items())]  # fmt: skip
    writer.write("\r\n".join([*lines, "", "{}"]).encode())
    told = (await reader.read()).decode()
    writer.close()
    return int(told.split(" ", 2)[1]), told


def acts(gateway: Gateway) -> list[str]:
    return [record.event.detail for record in records(gateway.home / "changes.log")]


# ---------------------------------------------------------------- what a lead may


async def test_a_lead_makes_lists_rotates_and_revokes_keys_of_the_team(
    gateway: Gateway, town: Town
) -> None:
    terms = {"name": "nightly", "service": True, "rpm": 5, "budget_usd": "2.50", "period": "day"}
    status, made = await ask(gateway, town.lead, "POST", "/admin/team/keys", terms)
    assert status == 201
    secret, id = made.pop("secret"), made["id"]
    assert {name: made[name] for name in terms} == terms
    assert (made["team"], made["tenant"], made["role"], made["console"]) == (
        town.team["id"], "default", "user", None,
    )  # fmt: skip
    _, listed = await ask(gateway, town.lead, "GET", "/admin/team/keys")
    assert {one["name"] for one in listed["data"]} >= {"lea", "nightly"}
    assert {one["team"] for one in listed["data"]} == {town.team["id"]}
    assert secret not in json.dumps(listed)
    shown = await ask(gateway, town.lead, "GET", f"/admin/team/keys/{id}")
    assert shown == (200, {**made, "spent_usd": "0", "held_usd": "0"})

    grace = {"grace_seconds": 3600}
    status, rotated = await ask(gateway, town.lead, "POST", f"/admin/team/keys/{id}/rotate", grace)
    assert status == 200
    assert [one["tail"] for one in rotated["replaced"]] == [made["tail"]]
    for good in (secret, rotated["secret"]):
        assert (await ask(gateway, {"x-api-key": good}, "GET", "/v1/models"))[0] == 200
    await ask(gateway, town.lead, "POST", f"/admin/team/keys/{id}/rotate", {})
    assert (await ask(gateway, {"x-api-key": rotated["secret"]}, "GET", "/v1/models"))[0] == 401
    assert (await ask(gateway, {"x-api-key": secret}, "GET", "/v1/models"))[0] == 200

    status, revoked = await ask(gateway, town.lead, "DELETE", f"/admin/team/keys/{id}")
    assert status == 200
    assert revoked["revoked"] is not None
    assert (await ask(gateway, {"x-api-key": secret}, "GET", "/v1/models"))[0] == 401
    who = f"team lead {town.lead_key['id']} (lea): "
    assert [act.removeprefix(who) for act in acts(gateway) if act.startswith(who)] == [
        f"make key nightly in the team {town.team['id']}",
        f"rotate key {id}, the old secret good for 3600.0 s",
        f"rotate key {id}, the old secret good for 0.0 s",
        f"revoke key {id}",
    ]


async def test_a_lead_sees_what_the_team_has_spent(gateway: Gateway, town: Town) -> None:
    _, before = await ask(gateway, town.lead, "GET", "/admin/team")
    assert (before["id"], before["budget_usd"], before["kind"]) == (town.team["id"], "50", "team")
    body = {"model": "big", "messages": [{"role": "user", "content": "!say yes"}], "max_tokens": 5}
    assert (await ask(gateway, town.lead, "POST", "/v1/chat/completions", body))[0] == 200
    _, after = await ask(gateway, town.lead, "GET", "/admin/team")
    assert float(after["spent_usd"]) > float(before["spent_usd"])
    assert float(after["left_usd"]) + float(after["spent_usd"]) == pytest.approx(50)
    assert after["resets"] > after["created"]


async def test_a_full_team_is_a_refusal_in_the_clients_dialect(
    gateway: Gateway, town: Town
) -> None:
    body = {"name": "poor", "organisation": "acme", "budget_usd": "0.000001", "period": "day"}
    await admin(gateway, "POST", "/admin/teams", body)
    _, headers = await key(gateway, "anna", team="poor")
    asked = {"model": "big", "messages": [{"role": "user", "content": "!say yes"}], "max_tokens": 5}
    before = len(gateway.frontier.received)
    for path in ("/v1/chat/completions", "/v1/messages"):
        async with gateway.http.post(path, json=asked, headers=headers) as answer:
            told = await answer.json()
            assert answer.status == 429, told
            assert answer.headers["x-should-retry"] == "false"
        assert "budget of this key's team 'poor'" in told["error"]["message"]
        assert "begins anew at" in told["error"]["message"]
        assert ("type" in told) is (path == "/v1/messages"), "Anthropic's form"
        if path == "/v1/chat/completions":
            assert told["error"]["code"] == "team_budget_exceeded"
    assert len(gateway.frontier.received) == before


# ---------------------------------------------------------------- what a lead may not


async def test_a_key_of_another_team_is_as_one_that_does_not_exist(
    gateway: Gateway, town: Town
) -> None:
    """By id and by name: the same answer, word for word."""
    for named in (town.victim["id"], "victim", town.rival["id"], "victims"):
        for method, end, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/rotate", {})):
            told = []
            for id in (named, "key_none"):
                status, error = await ask(
                    gateway, town.lead, method, f"/admin/team/keys/{id}{end}", body
                )
                assert status == 404, (id, error)
                told.append(json.dumps(error).replace(id, "it"))
            assert told[0] == told[1]
    shown = await admin(gateway, "GET", f"/admin/keys/{town.victim['id']}")
    assert shown["revoked"] is None
    assert shown["tail"] == town.victim["tail"]


@pytest.mark.parametrize(
    "path",
    [
        "/admin/teams", "/admin/teams/{team}", "/admin/teams/{rival}", "/admin/keys",
        "/admin/keys/{victim}", "/admin/organisations", "/admin/reload", "/admin/traces",
        "/v1/admin/keys", "/admin/team/../keys", "/admin/team/keys/../../keys/{victim}",
        "/admin/team/keys/%2e%2e%2f%2e%2e%2fkeys/{victim}", "/admin//keys", "/admin/team/{rival}",
        "/admin/team/{rival}/keys", "/admin/team/keys/{victim}/../{victim}",
        "/admin/team/keys/..", "/admin/team/%2e%2e/teams", "/admin/team;/../keys", "\\admin\\keys",
        "http://127.0.0.1/admin/keys", "/console/../admin/keys", "/admin/team/keys/{victim}%00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT"])
async def test_no_path_leads_to_another_team(
    gateway: Gateway, town: Town, path: str, method: str
) -> None:
    url = path.format(team=town.team["id"], rival=town.rival["id"], victim=town.victim["id"])
    before = acts(gateway)
    status, told = await raw(gateway, method, url, town.lead)
    assert status in (400, 401, 403, 404, 405), told
    assert not any(word in told for word in HIDDEN), told
    assert acts(gateway) == before


async def test_what_a_lead_reads_names_nobody_else(gateway: Gateway, town: Town) -> None:
    for path in ("/admin/team", "/admin/team/keys", f"/admin/team/keys/{town.lead_key['id']}"):
        for query in ("", f"?team={town.rival['id']}", "?organisation=rival&tenant=rival"):
            _, told = await ask(gateway, town.lead, "GET", path + query)
            assert not any(word in json.dumps(told) for word in HIDDEN), told


@pytest.mark.parametrize(
    "terms",
    [
        {"tenant": "rival"}, {"team": "rival/victims"}, {"role": "team-lead"}, {"role": "reviewer"},
        {"console": "admin"}, {"id": "key_mine"}, {"revoked": None}, {"run_usd": 5},
        {"budget_usd": "50.01"}, {"budget_usd": "-1"}, {"budget_usd": "NaN"}, {"rpm": 0},
        {"name": ""}, {"name": "x" * 101}, {"name": None}, {"organisation": "rival"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_lead_grants_no_more_than_is_theirs(
    gateway: Gateway, town: Town, terms: dict[str, Any]
) -> None:
    before = await admin(gateway, "GET", "/admin/keys")
    status, told = await ask(gateway, town.lead, "POST", "/admin/team/keys", {"name": "x", **terms})
    assert status == 400, told
    assert await admin(gateway, "GET", "/admin/keys") == before


async def test_models_are_the_leads_own_at_most(gateway: Gateway, town: Town) -> None:
    _, small = await key(gateway, "small lead", team="sales", role="team-lead", targets=["small"])
    status, made = await ask(gateway, small, "POST", "/admin/team/keys", {"name": "x"})
    assert (status, made["targets"]) == (201, ["small"])
    body = {"name": "x", "targets": ["small", "big"]}
    assert (await ask(gateway, small, "POST", "/admin/team/keys", body))[0] == 403
    wide, _ = await key(gateway, "wide", team="sales")
    rotate = f"/admin/team/keys/{wide['id']}/rotate"
    assert (await ask(gateway, small, "POST", rotate, {}))[0] == 403
    assert (await ask(gateway, town.lead, "POST", rotate, {}))[0] == 200


@pytest.mark.parametrize(
    "more",
    [{"console": "admin"}, {"role": "judge"}, {"role": "team-lead"}, {"tenant": "elsewhere"}],
    ids=str,
)
async def test_a_lead_gets_no_secret_of_a_key_that_may_do_more(
    gateway: Gateway, town: Town, more: dict[str, Any]
) -> None:
    mighty, headers = await key(gateway, "mighty", team="sales", **more)
    for method, end, body in (("POST", "/rotate", {}), ("DELETE", "", None)):
        path = f"/admin/team/keys/{mighty['id']}{end}"
        status, told = await ask(gateway, town.lead, method, path, body)
        assert status == 403, told
    assert (await ask(gateway, headers, "GET", "/v1/models"))[0] == 200
    own = f"/admin/team/keys/{town.lead_key['id']}/rotate"
    status, rotated = await ask(gateway, town.lead, "POST", own, {"grace_seconds": 7200})
    assert status == 200, "but the own one"
    town.lead = {"authorization": f"Bearer {rotated['secret']}"}


async def test_who_leads_no_team_any_more_leads_none(gateway: Gateway, town: Town) -> None:
    _, plain = await key(gateway, "plain", team="sales")
    _, operator = await key(gateway, "op", console="admin")
    for headers in (plain, operator, gateway.admin, {}, {"x-api-key": "sk-ss-none"}):
        status, told = await ask(gateway, headers, "GET", "/admin/team")
        assert status in (401, 403), told
    gone, headers = await key(gateway, "gone", team="sales", role="team-lead")
    body = {"team": town.rival["id"]}
    await admin(gateway, "PATCH", f"/admin/keys/{gone['id']}", body)
    _, seen = await ask(gateway, headers, "GET", "/admin/team")
    assert seen["id"] == town.rival["id"], "the team that the key is in now"
    await admin(gateway, "DELETE", f"/admin/keys/{gone['id']}")
    assert (await ask(gateway, headers, "GET", "/admin/team"))[0] == 401


async def test_a_page_of_another_site_leads_no_team(gateway: Gateway, town: Town) -> None:
    for more in ({"origin": "https://evil.example"}, {"sec-fetch-site": "same-origin"}):
        for path in ("/admin/team", "/v1/admin/team/keys"):
            assert (await ask(gateway, town.lead | more, "GET", path))[0] == 403


async def test_a_leads_requests_are_counted(gateway: Gateway, town: Town) -> None:
    _, slow = await key(gateway, "slow", team="sales", role="team-lead", rpm=2)
    statuses = [(await ask(gateway, slow, "GET", "/admin/team"))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
