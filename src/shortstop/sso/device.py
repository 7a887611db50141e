"""Device authorization (RFC 8628): a person signs in in a browser, a program waits for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from shortstop.errors import SignOnRefused, SignOnUnavailable
from shortstop.ports import Clock
from shortstop.sso.fetch import Fetch, Fetched, read, refusal_in
from shortstop.sso.signon import DeviceOffer

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER_SECONDS = 5.0
"""By how much a provider that says `slow_down` is asked less often (RFC 8628, 3.5)."""
LONGEST_WAIT = 1800.0
SAYS: dict[str, str] = {
    "access_denied": "The sign-in was refused in the browser.",
    "authorization_declined": "The sign-in was refused in the browser.",
    "expired_token": "Nobody has signed in in time.",
}

OF_THE_CLIENT = frozenset(
    ["invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"]
)
"""Words that no other try of the same client's changes."""
CLIENT_HINT = "Its client must be public and allowed to use device authorization."


class DeviceCode(Struct, frozen=True):
    """Where somebody types which code. `interval` and `expires_in` are seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: Annotated[float, Meta(gt=0)]
    verification_uri_complete: str | None = None
    interval: Annotated[float, Meta(ge=0)] | None = None


class _DeviceTokens(Struct, frozen=True):
    id_token: str = ""


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """Asks the provider that a gateway has named. `sleep` waits for so many seconds."""

    offer: DeviceOffer
    fetch: Fetch
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]

    async def begin(self) -> DeviceCode:
        """Raises SignOnRefused and SignOnUnavailable."""
        form = {"client_id": self.offer.client_id, "scope": " ".join(self.offer.scopes)}
        fetched = await self.fetch.post(self.offer.device_authorization_endpoint, form)
        if why := refusal_in(fetched):
            raise SignOnRefused(
                f"The identity provider does not let this program ask ({why}).",
                hint=CLIENT_HINT,
            )
        return read(fetched, DeviceCode, "a code for a device")

    async def finish(self, code: DeviceCode) -> str:
        """The ID token, once somebody has typed the code. A provider that does not answer is asked
        again. Raises SignOnRefused and SignOnUnavailable."""
        form = {
            "grant_type": GRANT,
            "device_code": code.device_code,
            "client_id": self.offer.client_id,
        }
        end = self.clock.monotonic() + min(code.expires_in, LONGEST_WAIT)
        pause = code.interval or SLOWER_SECONDS
        while self.clock.monotonic() + pause <= end:
            await self.sleep(pause)
            fetched = await self._asked(form)
            if fetched is None:
                pause *= 2  # RFC 8628, 3.5: after a timeout less often
                continue
            why = refusal_in(fetched)
            if not why:
                return _id_token(fetched)
            if why == "slow_down":
                pause += SLOWER_SECONDS
            elif why != "authorization_pending":
                raise _refused(why)
        raise _refused("expired_token")

    async def _asked(self, form: Mapping[str, str]) -> Fetched | None:
        """None where the provider is away for the moment, or asked too often."""
        try:
            fetched = await self.fetch.post(self.offer.token_endpoint, form)
        except SignOnUnavailable:
            return None
        return None if fetched.status >= 500 or fetched.status == 429 else fetched


def _refused(why: str) -> SignOnRefused:
    said = SAYS.get(why, f"The identity provider does not take the sign-in ({why}).")
    hint = CLIENT_HINT if why in OF_THE_CLIENT else "Say `shortstop login` again."
    return SignOnRefused(said, hint=hint)


def _id_token(fetched: Fetched) -> str:
    token = read(fetched, _DeviceTokens, "an answer with tokens").id_token
    if not token:
        raise SignOnUnavailable(
            "The identity provider gives no ID token to a device.",
            hint='Its client needs the scope "openid".',
        )
    return token
