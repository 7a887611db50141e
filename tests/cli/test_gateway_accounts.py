"""Keys and teams of a running gateway, under the name of who is signed in there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from shortstop.cli.sessions import SavedSession, SavedSessions
from tests.cli.conftest import Result, Shortstop
from tests.server.conftest import Gateway
from tests.server.test_sign_on import deeds, of, signing
from tests.sso.provider import LocalProvider


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[LocalProvider]:
    async with LocalProvider().running() as running:
        running.user, running.first = of("gw-admins"), "done"
        yield running


@pytest_asyncio.fixture
async def gateway(provider: LocalProvider, tmp_path: Path) -> AsyncIterator[Gateway]:
    (tmp_path / "gateway").mkdir()
    async with signing(tmp_path / "gateway", provider) as running:
        yield running


async def run(shortstop: Shortstop, *arguments: str) -> Result:
    """Beside the loop in which the gateway is read."""
    return await asyncio.to_thread(shortstop, *arguments)


async def done(shortstop: Shortstop, *arguments: str) -> str:
    result = await run(shortstop, *arguments)
    assert result.code == 0, result.err
    return result.out


async def test_who_is_signed_in_makes_and_changes_keys_and_teams(
    shortstop: Shortstop, gateway: Gateway
) -> None:
    at, asked = ("--gateway", gateway.url), ("--json", "--gateway", gateway.url)
    await done(shortstop, "login", "--url", gateway.url)
    out = await done(
        shortstop, "teams", "create-organisation", "shop", "--budget", "50", *at,
    )  # fmt: skip
    assert "Organisation shop" in out
    assert "left $50.0000" in out
    made = await done(shortstop, "teams", "create", "red", "--org", "shop", "--budget", "9", *asked)
    team = json.loads(made)
    assert (team["kind"], team["name"], team["left_usd"]) == ("team", "red", "9")
    secret = json.loads(
        await done(shortstop, "keys", "create", "ci", "--team", "shop/red", "--rpm", "7", *asked)
    )
    assert secret["secret"].startswith("sk-ss-")
    assert (secret["team"], secret["rpm"]) == (team["id"], 7)
    [listed] = json.loads(await done(shortstop, "keys", "list", *asked))
    assert (listed["id"], listed["spent_usd"], listed["replaced"]) == (secret["id"], "0", [])
    assert "shop/red" in await done(shortstop, "keys", "list", *at)
    rotated = json.loads(await done(shortstop, "keys", "rotate", "ci", "--grace", "1h", *asked))
    assert rotated["secret"] != secret["secret"]
    assert len(rotated["replaced"]) == 1
    assert "out of its team" in await done(shortstop, "keys", "move", "ci", "--out", *at)
    await done(shortstop, "keys", "move", "ci", "--team", "red", *at)
    changed = await done(shortstop, "teams", "change", "red", "--budget", "8", *at)
    assert "left $8.0000" in changed
    groups = json.loads(await done(shortstop, "teams", "list", *asked))
    assert [one["name"] for one in groups] == ["shop", "red"]
    assert "shop/red" in await done(shortstop, "teams", "show", "red", *at)
    assert "1 keys were revoked" in await done(shortstop, "teams", "close", "red", *at)
    assert "revoked" in await done(shortstop, "keys", "list", *at)
    acts = str(deeds(gateway))
    assert "ada@acme.example" in acts
    assert "make key ci in the team shop/red" in acts


async def test_a_refusal_is_told_as_at_the_data(shortstop: Shortstop, gateway: Gateway) -> None:
    at = ("--gateway", gateway.url)
    await done(shortstop, "login", "--url", gateway.url)
    for arguments in (
        ("keys", "revoke", "nobody"),
        ("keys", "create", "x", "--team", "nowhere"),
        ("teams", "show", "nowhere"),
        ("teams", "create", "x", "--org", "nowhere", "--budget", "1"),
    ):
        there, here = await run(shortstop, *arguments, *at), await run(shortstop, *arguments)
        assert there.code == here.code != 0
        assert there.err == here.err


async def test_who_may_not_is_refused_by_the_gateway(
    shortstop: Shortstop, gateway: Gateway, provider: LocalProvider
) -> None:
    provider.user = of("gw-viewers")
    await done(shortstop, "login", "--url", gateway.url)
    result = await run(shortstop, "keys", "list", "--gateway", gateway.url)
    assert result.code != 0
    assert "admin" in result.err


async def test_a_lead_has_the_keys_of_the_own_team(
    shortstop: Shortstop, gateway: Gateway, home: Path
) -> None:
    at = ("--gateway", gateway.url)
    await done(shortstop, "login", "--url", gateway.url)
    await done(shortstop, "teams", "create-organisation", "shop", "--budget", "50", *at)
    await done(shortstop, "teams", "create", "red", "--org", "shop", "--budget", "9", *at)
    await done(shortstop, "keys", "create", "other", *at)
    lead = await done(
        shortstop, "keys", "create", "lead", "--team", "red", "--role", "team-lead", *at
    )
    session = SavedSession(lead.strip(), 9e9, "lead", "team-lead", None, "red")
    SavedSessions(home / "home" / "sessions.json").keep(gateway.url, session)
    await done(shortstop, "keys", "create", "mine", "--rpm", "3", *at)
    listed = json.loads(await done(shortstop, "keys", "list", "--json", *at))
    assert sorted(one["name"] for one in listed) == ["lead", "mine"]
    for name in ("red", "shop/red"):
        told = await done(shortstop, "teams", "show", name, *at)
        assert "Team shop/red" in told
        assert "left $9.0000" in told
    [team] = json.loads(await done(shortstop, "teams", "list", "--json", *at))
    assert (team["kind"], team["name"], team["left_usd"]) == ("team", "red", "9")
    assert "Revoked" in await done(shortstop, "keys", "revoke", "mine", *at)
    result = await run(shortstop, "teams", "change", "red", "--budget", "8", *at)
    assert result.code != 0
    assert "own team alone" in result.err


async def test_a_gateway_elsewhere_is_shown_no_token_of_this_machine(shortstop: Shortstop) -> None:
    result = await run(shortstop, "keys", "list", "--gateway", "https://gateway.example")
    assert result.code != 0
    assert "Nobody is signed in at https://gateway.example" in result.err
    result = await run(shortstop, "keys", "list", "--gateway", "http://gateway.example")
    assert "in the clear" in result.err or "https://" in result.err
