"""The provider's own documents: where it is asked what, and by which keys it signs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from shortstop.config import is_local_url, problem_of_url
from shortstop.config.sso import WELL_KNOWN, SsoConfig
from shortstop.errors import SignOnRefused, SignOnUnavailable
from shortstop.ports import Clock
from shortstop.sso.fetch import Fetch, read
from shortstop.sso.token import Claims, JwkSet, UnknownKeyId, signed_claims

log = logging.getLogger(__name__)

FRESH_SECONDS = 3600.0
"""How long a document is gone by."""
AGAIN_SECONDS = 30.0
"""After how long it is read again for a key that is not in it: anybody can name one."""
PAUSE_SECONDS = 5.0
"""How long a failure is answered without another try."""
MOST_KEYS = 100
T = TypeVar("T")


class ProviderDocument(Struct, frozen=True):
    """OpenID Connect Discovery 1.0, 3, as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    device_authorization_endpoint: str | None = None
    token_endpoint_auth_methods_supported: Sequence[str] = ("client_secret_basic",)


class _Keys(Struct, frozen=True):
    keys: list[dict[str, Any]]


class IdentityProvider:
    """Reads each document once for all who wait for it, and again when it is old."""

    def __init__(self, config: SsoConfig, fetch: Fetch, clock: Clock) -> None:
        self._issuer = config.issuer or ""
        self._fetch = fetch
        self._document = _Remembered(self._read_document, clock)
        self._keys: _Remembered[JwkSet] = _Remembered(self._read_keys, clock)

    async def document(self) -> ProviderDocument:
        """Raises SignOnUnavailable."""
        return await self._document.get()

    async def claims(self, token: str) -> Claims:
        """What a token says that this provider has signed. Keys are read again where it names one
        that is new. Raises SignOnRefused and SignOnUnavailable."""
        try:
            return signed_claims(token, await self._keys.get())
        except UnknownKeyId:
            pass  # the provider may have new ones
        try:
            return signed_claims(token, await self._keys.again())
        except UnknownKeyId:
            raise SignOnRefused(
                "The identity provider's token is signed with a key that the provider does not"
                " list.",
                hint=f"If its keys have just changed, sign in again in {AGAIN_SECONDS:.0f} s.",
            ) from None

    async def _read_document(self) -> ProviderDocument:
        url = self._issuer.rstrip("/") + WELL_KNOWN
        document = read(await self._fetch.get(url), ProviderDocument, "its discovery document")
        if document.issuer != self._issuer:
            raise _other_issuer(document.issuer)
        for one in (document.authorization_endpoint, document.token_endpoint, document.jwks_uri,
                    document.device_authorization_endpoint):  # fmt: skip
            if one is not None:
                self._require_good(one)
        return document

    async def _read_keys(self) -> JwkSet:
        document = await self._document.get()
        log.info("sso: reading the keys by which %s signs", self._issuer)
        keys = read(await self._fetch.get(document.jwks_uri), _Keys, "its list of keys").keys
        return keys[:MOST_KEYS]

    def _require_good(self, url: str) -> None:
        """No address that is less safe than the issuer's own. Raises SignOnUnavailable."""
        plain = self._issuer.startswith("http://") and is_local_url(url)
        if problem_of_url(url) or not (url.startswith("https://") or plain):
            raise SignOnUnavailable(
                f"The identity provider names an address that is not used: {url[:200]!a}.",
                hint="Its addresses begin with https://.",
            )


def _other_issuer(named: str) -> SignOnUnavailable:
    hint = "Write `issuer` under [sso] letter by letter as it does."
    if "{" in named:
        hint = "This address is for many tenants: name your own tenant's in `issuer` under [sso]."
    return SignOnUnavailable(f"The identity provider calls itself {named[:200]!a}.", hint=hint)


class _Remembered(Generic[T]):
    def __init__(self, read: Callable[[], Awaitable[T]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._turn = asyncio.Lock()
        self._known: tuple[T, float] | None = None
        self._failed: tuple[SignOnUnavailable, float] | None = None

    async def get(self) -> T:
        return await self._newer_than(FRESH_SECONDS)

    async def again(self) -> T:
        return await self._newer_than(AGAIN_SECONDS)

    async def _newer_than(self, seconds: float) -> T:
        async with self._turn:
            now = self._clock.monotonic()
            if self._known is not None and now - self._known[1] < seconds:
                return self._known[0]
            if self._failed is not None and now - self._failed[1] < PAUSE_SECONDS:
                raise self._failed[0].with_traceback(None)
            try:
                value = await self._read()
            except SignOnUnavailable as error:
                self._failed = (error, self._clock.monotonic())
                raise
            self._known, self._failed = (value, self._clock.monotonic()), None
            return value
