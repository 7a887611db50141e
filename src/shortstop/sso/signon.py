"""Signing in: where a browser is sent, what it brings back, and what a program may exchange."""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from msgspec import Struct

from shortstop.config.sso import SsoConfig
from shortstop.errors import NotFound, SignOnRefused, SignOnUnavailable
from shortstop.ports import Clock
from shortstop.sso.fetch import Fetch, Fetched, read, refusal_in
from shortstop.sso.person import Person, Rights, person_in, rights_of
from shortstop.sso.provider import IdentityProvider, ProviderDocument
from shortstop.sso.token import TokenTerms, check_claims

MOST_AT_ONCE = 16
"""Sign-ins for which the provider is asked at the same time: anybody can begin one."""
OLDEST_SECONDS = 600.0
"""How old a token may be that is exchanged for a session: stolen ones are older."""


class Handshake(NamedTuple):
    """What ties an answer to the browser that asked: `state` goes there and back in the open,
    `nonce` comes back in the token, `verifier` is shown to the provider alone (RFC 7636)."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")


class DeviceOffer(Struct, frozen=True):
    """What `shortstop login` needs to ask the provider itself (RFC 8628)."""

    issuer: str
    client_id: str
    device_authorization_endpoint: str
    token_endpoint: str
    scopes: tuple[str, ...]


class _CodeAnswer(Struct, frozen=True):
    id_token: str


class SignOn:
    """Of one configuration. `secret` is the client's, None for a public one."""

    def __init__(self, config: SsoConfig, secret: str | None, fetch: Fetch, clock: Clock) -> None:
        self.config = config
        self._secret = secret
        self._fetch = fetch
        self._clock = clock
        self._provider = IdentityProvider(config, fetch, clock)
        self._under_way = 0

    @property
    def callback(self) -> str:
        """Where the provider sends the browser back to."""
        return f"{(self.config.url or '').rstrip('/')}/console/sso/callback"

    def rights(self, person: Person) -> Rights | None:
        """What somebody may do as groups are configured now; None: nothing any more."""
        return rights_of(person, self.config.groups)

    async def address(self, handshake: Handshake) -> str:
        """Where a browser is sent to sign in. Raises SignOnUnavailable."""
        document = await self._provider.document()
        asked = {
            "response_type": "code",
            "client_id": self.config.client_id or "",
            "redirect_uri": self.callback,
            "scope": " ".join(self.config.scopes),
            "state": handshake.state,
            "nonce": handshake.nonce,
            "code_challenge": handshake.challenge,
            "code_challenge_method": "S256",
        }
        place = document.authorization_endpoint
        return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"

    async def finish(self, code: str, handshake: Handshake) -> Person:
        """Who brings this code. Raises SignOnRefused, SignOnUnavailable, and Forbidden for who has
        no group of ours."""
        document = await self._provider.document()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": handshake.verifier,
        }
        fetched = await self._exchanged(document.token_endpoint, *self._shown(form, document))
        token = _tokens_in(fetched).id_token
        return await self._person(token, self.config.client_id or "", nonce=handshake.nonce)

    async def offer(self) -> DeviceOffer:
        """Raises NotFound where nobody signs in by a device, and SignOnUnavailable."""
        client = self.config.command_line_client
        if client is None:
            raise NotFound(
                "Signing in at the command line is not set up here.",
                hint="The operator names a public client of the provider under [sso]:"
                ' cli_client_id = "NAME".',
                code="sso_no_device",
            )
        document = await self._provider.document()
        if document.device_authorization_endpoint is None:
            raise NotFound(
                "The identity provider offers no device authorization (RFC 8628), by which the"
                " command line signs in.",
                hint="Sign in to the console, or use a key: `shortstop keys create NAME`.",
                code="sso_no_device",
            )
        return DeviceOffer(
            self.config.issuer or "", client, document.device_authorization_endpoint,
            document.token_endpoint, self.config.scopes,
        )  # fmt: skip

    async def exchange(self, token: str) -> Person:
        """Whose fresh ID token this is, given to the command line's client. Raises as `finish`, and
        NotFound."""
        client = self.config.command_line_client
        if client is None:
            raise NotFound("Signing in at the command line is not set up here.")
        return await self._person(token, client, oldest=OLDEST_SECONDS)

    async def _exchanged(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> Fetched:
        if self._under_way >= MOST_AT_ONCE:
            raise SignOnUnavailable("Too many sign in at once.", hint="Sign in again.")
        self._under_way += 1
        try:
            return await self._fetch.post(url, form, headers)
        finally:
            self._under_way -= 1

    async def _person(
        self, token: str, client: str, *, nonce: str | None = None, oldest: float | None = None
    ) -> Person:
        claims = await self._provider.claims(token)
        config, now = self.config, self._clock.time()
        issuer = config.issuer or ""
        check_claims(claims, TokenTerms(issuer, client, now, config.clock_skew, nonce, oldest))
        return person_in(claims, config)

    def _shown(
        self, form: Mapping[str, str], document: ProviderDocument
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """The form and the headers that say who asks (RFC 6749, 2.3.1)."""
        id = self.config.client_id or ""
        if self._secret is None:
            return {**form, "client_id": id}, {}
        methods = document.token_endpoint_auth_methods_supported
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            return {**form, "client_id": id, "client_secret": self._secret}, {}
        pair = f"{quote(id, safe='')}:{quote(self._secret, safe='')}"
        return form, {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _tokens_in(fetched: Fetched) -> _CodeAnswer:
    """Raises SignOnRefused and SignOnUnavailable."""
    why = refusal_in(fetched) if 400 <= fetched.status < 500 else ""
    if why in ("invalid_client", "unauthorized_client"):
        raise SignOnUnavailable(
            f"The identity provider refuses this gateway's client ({why}).",
            hint="The operator compares `client_id` and the secret of [sso] with the provider's.",
        )
    if why:
        raise SignOnRefused(
            f"The identity provider does not take the sign-in ({why}).", hint="Sign in again."
        )
    return read(fetched, _CodeAnswer, "an answer with an ID token")
