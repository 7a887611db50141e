"""Signing in at the command line, at a real gateway and its identity provider."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from shortstop.cli.sessions import SavedSession, SavedSessions
from shortstop.errors import ConfigError
from tests.cli.conftest import Result, Shortstop
from tests.server.conftest import Gateway, running_gateway
from tests.server.test_sign_on import configure, deeds, of, signing
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
    """Beside the loop in which the provider answers."""
    return await asyncio.to_thread(shortstop, *arguments)


async def test_somebody_signs_in_acts_under_their_name_and_signs_out(
    shortstop: Shortstop, gateway: Gateway, home: Path
) -> None:
    at = ("--url", gateway.url)
    result = await run(shortstop, "login", *at)
    assert result.code == 0, result.err
    assert "/activate and enter the code WDJB-MJHT" in result.err
    assert f"Signed in at {gateway.url}: ada@acme.example, admin, until" in result.out
    file = home / "home" / "sessions.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = msgspec.json.decode(file.read_bytes())[gateway.url]["token"]
    assert token not in result.out + result.err
    assert (await run(shortstop, "whoami", "--token", *at)).out == f"{token}\n"
    told = json.loads((await run(shortstop, "whoami", "--json", *at)).out)
    assert (told["role"], told["tenant"], "token" in told) == ("admin", None, False)
    result = await run(shortstop, "reload", *at)
    assert result.code == 0, result.err
    assert "ada@acme.example (sso ada-1): reload" in deeds(gateway)
    result = await run(shortstop, "logout", *at)
    assert (result.out, result.err) == (f"Signed out at {gateway.url}.\n", "")
    shown = {"authorization": f"Bearer {token}"}
    async with gateway.http.get("/admin/keys", headers=shown) as answer:
        assert answer.status == 401, "a copy of it is good for nothing"
    assert (await run(shortstop, "whoami", *at)).code == 2
    assert token.encode() not in file.read_bytes()
    result = await run(shortstop, "reload", *at)
    assert (result.code, "There is no admin token" in result.err) == (2, True)


async def test_what_is_missing_is_said(
    shortstop: Shortstop, gateway: Gateway, provider: LocalProvider, tmp_path: Path
) -> None:
    at = ("--url", gateway.url)
    for state, says in (("denied", "refused in the browser"), ("expired", "in time")):
        provider.first = state
        result = await run(shortstop, "login", *at)
        assert (result.code, says in result.err) == (2, True), result.err
    provider.first, provider.user = "done", of("staff")
    result = await run(shortstop, "login", *at)
    assert (result.code, "'gw-viewers' is missing" in result.err) == (2, True)
    provider.devices_offered = False
    await configure(gateway, provider, "timeout = 2", "timeout = 3")
    result = await run(shortstop, "login", *at)
    assert (result.code, "offers no device authorization" in result.err) == (2, True)
    (tmp_path / "plain").mkdir()
    async with running_gateway(tmp_path / "plain") as plain:
        result = await run(shortstop, "login", "--url", plain.url)
        assert (result.code, "not set up at this gateway" in result.err) == (2, True)
    result = await run(shortstop, "login", "--url", plain.url)
    assert (result.code, "No gateway answers" in result.err) == (2, True)
    result = await run(shortstop, "login", "--url", "http://gateway.example")
    assert (result.code, "https:// or this machine alone" in result.err) == (2, True)


def saved(**changes: Any) -> SavedSession:
    return SavedSession(
        **{"token": "t", "expires": time.time() + 60, "name": "ada", "role": "viewer"} | changes
    )


def test_sessions_are_kept_by_gateway_until_their_end(tmp_path: Path) -> None:
    kept = SavedSessions(tmp_path / "new" / "sessions.json")
    assert kept.of("http://a") is None
    kept.keep("http://a", saved())
    kept.keep("http://b", saved(expires=time.time() - 1))
    assert kept.of("http://b") is None
    assert list(kept.all()) == ["http://a"]
    assert kept.drop("http://c") is None
    kept.drop("http://a")
    assert kept.all() == {}
    (tmp_path / "new" / "sessions.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        kept.of("http://a")
