"""The provider's documents: read once, again when they are old, and never in a hurry. Over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shortstop.config.sso import SsoConfig
from shortstop.errors import SignOnRefused, SignOnUnavailable
from shortstop.serving.identity import IdentityFetch
from shortstop.sso.provider import (
    AGAIN_SECONDS,
    FRESH_SECONDS,
    PAUSE_SECONDS,
    IdentityProvider,
)
from tests.sso.provider import CLI, LocalProvider


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def local() -> AsyncIterator[LocalProvider]:
    async with LocalProvider().running() as running:
        running.user = {"sub": "ada"}
        yield running


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def known(local: LocalProvider, clock: Hands) -> IdentityProvider:
    return IdentityProvider(SsoConfig(issuer=local.url), IdentityFetch(30, {}), clock)


async def test_documents_are_read_once_for_all_and_again_in_an_hour(
    local: LocalProvider, known: IdentityProvider, clock: Hands
) -> None:
    token = local.token(CLI)
    for _ in range(2):
        told = await asyncio.gather(*(known.claims(token) for _ in range(5)))
        assert {claims["sub"] for claims in told} == {"ada"}
    assert len(local.asked) == 2
    clock.now += FRESH_SECONDS
    await known.claims(token)
    assert len(local.asked) == 4


async def test_new_keys_are_found_but_nobody_makes_us_hurry(
    local: LocalProvider, known: IdentityProvider, clock: Hands
) -> None:
    await known.claims(local.token(CLI))
    old = local.token(CLI)
    local.rotate()
    for _ in range(3):
        with pytest.raises(SignOnRefused, match="does not list"):
            await known.claims(local.token(CLI))
    assert local.asked.count("/keys") == 1, "they were read a moment ago"
    clock.now += AGAIN_SECONDS
    assert (await known.claims(local.token(CLI)))["sub"] == "ada"
    assert local.asked.count("/keys") == 2
    with pytest.raises(SignOnRefused, match="does not list"):
        await known.claims(old)
    assert local.asked.count("/keys") == 2


async def test_a_failure_is_remembered_for_a_moment_and_recovers(
    local: LocalProvider, known: IdentityProvider, clock: Hands
) -> None:
    local.fault = "away"
    for _ in range(3):
        with pytest.raises(SignOnUnavailable, match="status 503"):
            await known.document()
    assert len(local.asked) == 1
    local.fault = ""
    clock.now += PAUSE_SECONDS
    assert (await known.document()).token_endpoint == f"{local.url}/token"


async def test_another_issuer_is_not_the_one_that_was_named(local: LocalProvider) -> None:
    named = IdentityProvider(SsoConfig(issuer=local.url + "/"), IdentityFetch(30, {}), Hands())
    with pytest.raises(SignOnUnavailable, match="calls itself"):
        await named.document()


async def test_an_address_for_many_tenants_is_told_apart(
    local: LocalProvider, known: IdentityProvider
) -> None:
    local.named = "https://id.example/{tenantid}/v2.0"
    with pytest.raises(SignOnUnavailable, match="name your own tenant's"):
        await known.document()


async def test_what_a_document_lacks_is_named(
    local: LocalProvider, known: IdentityProvider
) -> None:
    local.left_out = "jwks_uri"
    with pytest.raises(SignOnUnavailable, match=r"discovery document: .*`jwks_uri`"):
        await known.document()


@pytest.mark.parametrize(
    "place", ["http://elsewhere.example/token", "ftp://x", "https://u:p@x/", "javascript:x"]
)
async def test_no_address_is_less_safe_than_the_issuers(
    local: LocalProvider, known: IdentityProvider, place: str
) -> None:
    document = await known.document()
    with pytest.raises(SignOnUnavailable, match="an address that is not used"):
        known._require_good(place)
    known._require_good(document.jwks_uri)
    known._require_good("https://keys.example/jwks")
