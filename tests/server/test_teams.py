"""Teams over HTTP, for administrators: made, changed, shown, and each act written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shortstop.privacy.audit import records
from tests.server.conftest import Gateway, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path_factory.mktemp("teams")) as running:
        yield running


async def ask(gateway: Gateway, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with gateway.http.request(method, path, json=body, headers=gateway.admin) as answer:
        return answer.status, await answer.json()


async def test_an_organisation_and_its_teams(gateway: Gateway) -> None:
    asked = {"name": "acme", "budget_usd": "1000", "zone": "Europe/Berlin"}
    status, acme = await ask(gateway, "POST", "/admin/organisations", asked)
    assert status == 201
    assert acme == {
        **asked, "kind": "organisation", "id": acme["id"], "organisation": None, "period": "month",
        "full_name": "acme",
        "created": acme["created"], "closed": None, "spent_usd": "0", "held_usd": "0",
        "left_usd": "1000", "resets": acme["resets"],
    }  # fmt: skip
    asked = {"name": "sales", "organisation": "acme", "budget_usd": 9.5, "period": "week"}
    status, sales = await ask(gateway, "POST", "/admin/teams", asked)
    assert status == 201
    assert (sales["kind"], sales["organisation"], sales["budget_usd"], sales["zone"]) == (
        "team", acme["id"], "9.5", "UTC",
    )  # fmt: skip
    assert sales["full_name"] == "acme/sales"
    assert await ask(gateway, "GET", f"/admin/teams/{sales['id']}") == (200, sales)
    assert await ask(gateway, "GET", "/admin/teams") == (200, {"data": [acme, sales]})
    changes = {"budget_usd": "3", "period": "total", "name": "Sales"}
    status, changed = await ask(gateway, "PATCH", f"/admin/teams/{sales['id']}", changes)
    assert (status, changed) == (
        200,
        {**sales, **changes, "full_name": "acme/Sales", "left_usd": "3", "resets": None},
    )
    details = [r.event.detail for r in records(gateway.home / "changes.log")]
    assert details == [
        "admin token: make organisation acme",
        f"admin token: make team sales in {acme['id']}",
        f"admin token: change {sales['id']}: name Sales, budget_usd 3, period total",
    ]


async def test_keys_are_moved_and_rotated(gateway: Gateway) -> None:
    _, teams = await ask(gateway, "GET", "/admin/teams")
    team = teams["data"][-1]["id"]
    _, made = await ask(gateway, "POST", "/admin/keys", {"name": "anna"})
    place = f"/admin/keys/{made['id']}"
    status, moved = await ask(gateway, "PATCH", place, {"team": "acme/Sales"})
    assert (status, moved["team"]) == (200, team)
    status, rotated = await ask(gateway, "POST", f"{place}/rotate", {"grace_seconds": 60})
    assert status == 200
    assert rotated["secret"] != made["secret"]
    _, shown = await ask(gateway, "GET", place)
    assert [one["tail"] for one in shown["replaced"]] == [made["tail"]]
    assert (await ask(gateway, "PATCH", place, {"team": None}))[1]["team"] is None
    _, listed = await ask(gateway, "GET", "/admin/keys")
    assert made["secret"] not in str(listed)
    assert [r.event.detail for r in records(gateway.home / "changes.log")][-4:] == [
        "admin token: make key anna",
        f"admin token: move key {made['id']} to the team acme/Sales",
        f"admin token: rotate key {made['id']}, the old secret good for 60.0 s",
        f"admin token: move key {made['id']} out",
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/admin/organisations", {"name": "acme", "budget_usd": "1"}, 409),
        ("POST", "/admin/organisations", {"name": "new"}, 400),
        ("POST", "/admin/organisations", {"name": "new", "budget_usd": "0"}, 400),
        ("POST", "/admin/organisations", {"name": "a/b", "budget_usd": "1"}, 400),
        ("POST", "/admin/organisations", {"name": "n", "budget_usd": "1", "zone": "Nowhere"}, 400),
        ("POST", "/admin/organisations", {"name": "n", "budget_usd": "1", "parent": "x"}, 400),
        ("POST", "/admin/teams", {"name": "n", "organisation": "none", "budget_usd": "1"}, 404),
        ("POST", "/admin/teams", {"name": "Sales", "organisation": "acme", "budget_usd": 1}, 409),
        ("PATCH", "/admin/teams/none", {"budget_usd": "1"}, 404),
        ("PATCH", "/admin/teams/none", {"organisation": "x"}, 400),
        ("GET", "/admin/teams/acme", None, 404),
        ("POST", "/admin/keys", {"name": "x", "team": "none"}, 404),
        ("POST", "/admin/keys", {"name": "x", "service": True}, 400),
        ("POST", "/admin/keys", {"name": "x", "role": "team-lead"}, 400),
        ("PATCH", "/admin/keys/key_none", {"team": None}, 404),
        ("PATCH", "/admin/keys/key_none", {}, 400),
        ("PATCH", "/admin/keys/key_none", {"team": None, "role": "judge"}, 400),
        ("POST", "/admin/keys/key_none/rotate", {}, 404),
        ("POST", "/admin/keys/key_none/rotate", {"grace_seconds": -1}, 400),
        ("POST", "/admin/keys/key_none/rotate", {"grace_seconds": "1h"}, 400),
    ],
)
async def test_what_cannot_be_is_refused(
    gateway: Gateway, method: str, path: str, body: Any, status: int
) -> None:
    before = await ask(gateway, "GET", "/admin/teams"), await ask(gateway, "GET", "/admin/keys")
    assert (await ask(gateway, method, path, body))[0] == status
    after = await ask(gateway, "GET", "/admin/teams"), await ask(gateway, "GET", "/admin/keys")
    assert before == after


async def test_a_grace_has_an_end(gateway: Gateway) -> None:
    _, made = await ask(gateway, "POST", "/admin/keys", {"name": "bob"})
    place = f"/admin/keys/{made['id']}/rotate"
    assert (await ask(gateway, "POST", place, {"grace_seconds": 1e9}))[0] == 400
    await ask(gateway, "DELETE", f"/admin/keys/{made['id']}")
    assert (await ask(gateway, "POST", place, {}))[0] == 409


async def test_a_team_is_closed_and_its_keys_with_it(gateway: Gateway) -> None:
    await ask(gateway, "POST", "/admin/organisations", {"name": "zeta", "budget_usd": 9})
    wanted = {"name": "ops", "organisation": "zeta", "budget_usd": 5}
    _, team = await ask(gateway, "POST", "/admin/teams", wanted)
    _, key = await ask(gateway, "POST", "/admin/keys", {"name": "zoe", "team": "zeta/ops"})
    place = f"/admin/teams/{team['id']}"
    assert (await ask(gateway, "DELETE", f"/admin/teams/{team['organisation']}"))[0] == 409
    status, closed = await ask(gateway, "DELETE", place)
    assert (status, closed["closed"] > team["created"]) == (200, True)
    assert (await ask(gateway, "GET", f"/admin/keys/{key['id']}"))[1]["revoked"] is not None
    assert (await ask(gateway, "PATCH", place, {"budget_usd": 8}))[0] == 409
    assert (await ask(gateway, "POST", "/admin/keys", {"name": "x", "team": team["id"]}))[0] == 409
    bearer = {"authorization": f"Bearer {key['secret']}"}
    async with gateway.http.get("/v1/models", headers=bearer) as answer:
        assert answer.status == 401
    details = [r.event.detail for r in records(gateway.home / "changes.log")]
    assert f"admin token: close {team['id']} and revoke its keys" in details
