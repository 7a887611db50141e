"""Clients of every kind, and what a provider does not offer. Over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from shortstop.config.sso import SsoConfig, SsoGroup
from shortstop.errors import NotFound, SignOnRefused, SignOnUnavailable
from shortstop.serving.identity import IdentityFetch
from shortstop.sso import Handshake, Person, SignOn
from tests.sso.provider import CLI, CLIENT, SECRET, LocalProvider

ASKED = Handshake("state", "nonce", "v" * 43)


@pytest_asyncio.fixture
async def local() -> AsyncIterator[LocalProvider]:
    async with LocalProvider().running() as running:
        running.user = {"sub": "ada", "groups": ["admins"]}
        yield running


def sign_on(local: LocalProvider, secret: str | None, **changes: Any) -> SignOn:
    said: dict[str, Any] = {
        "issuer": local.url,
        "client_id": CLIENT,
        "url": "https://gateway.example/",
        "groups": {"admins": SsoGroup("admin")},
        "client_secret_env": None if secret is None else "X",
    }
    return SignOn(SsoConfig(**said | changes), secret, IdentityFetch(30, {}), time)


async def code_by(sso: SignOn) -> str:
    address = await sso.address(ASKED)
    async with aiohttp.ClientSession() as client, client.post(
        address, allow_redirects=False
    ) as answer:  # fmt: skip
        back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == sso.callback
    return parse_qs(back.query)["code"][0]


@pytest.mark.parametrize(
    ("methods", "secret"),
    [(["client_secret_basic"], SECRET), (["client_secret_post"], SECRET), (["none"], None)],
)
async def test_a_client_says_who_it_is_as_the_provider_wants(
    local: LocalProvider, methods: list[str], secret: str | None
) -> None:
    local.methods, local.client = methods, (CLIENT, secret or "")
    sso = sign_on(local, secret)
    assert sso.callback == "https://gateway.example/console/sso/callback"
    code = await code_by(sso)
    assert await sso.finish(code, ASKED) == Person("ada", "ada", ("admins",))
    with pytest.raises(SignOnRefused, match="invalid_grant"):
        await sso.finish(code, ASKED)
    with pytest.raises(SignOnRefused, match="invalid_grant"):
        await sso.finish(await code_by(sso), ASKED._replace(verifier="w" * 43))


async def test_a_wrong_secret_is_the_operators_to_mend(local: LocalProvider) -> None:
    sso = sign_on(local, "wrong")
    with pytest.raises(SignOnUnavailable, match="invalid_client") as told:
        await sso.finish(await code_by(sso), ASKED)
    assert "wrong" not in str(told.value)


async def test_no_more_are_asked_for_than_a_provider_bears(
    local: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sso = sign_on(local, SECRET)
    codes = [await code_by(sso) for _ in range(4)]
    monkeypatch.setattr("shortstop.sso.signon.MOST_AT_ONCE", 2)
    told = await asyncio.gather(*(sso.finish(c, ASKED) for c in codes), return_exceptions=True)
    refused = [one for one in told if isinstance(one, SignOnUnavailable)]
    assert (len(refused), str(refused[0])) == (2, "Too many sign in at once. Sign in again.")
    assert await sso.finish(codes[3], ASKED) == told[0], "and there is room again"


async def test_the_command_line_is_told_what_it_needs_or_what_is_missing(
    local: LocalProvider,
) -> None:
    offer = await sign_on(local, None).offer()
    assert (offer.client_id, offer.token_endpoint) == (CLIENT, f"{local.url}/token")
    assert (await sign_on(local, SECRET, cli_client_id=CLI).offer()).client_id == CLI
    secretive = sign_on(local, SECRET)
    with pytest.raises(NotFound, match="not set up"):
        await secretive.offer()
    with pytest.raises(NotFound, match="not set up"):
        await secretive.exchange(local.token(CLIENT))
    local.devices_offered = False
    with pytest.raises(NotFound, match="RFC 8628"):
        await sign_on(local, None).offer()
