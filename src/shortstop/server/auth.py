"""Who is asking: the credential in a request's headers, and who may administer."""

from __future__ import annotations

import hmac

from starlette.requests import Request as HttpRequest

from shortstop import dialects
from shortstop.errors import Forbidden, Unauthenticated
from shortstop.server.body import Headers
from shortstop.server.gateway import Gateway

AZURE_HEADER = "api-key"
"""In which Azure's SDK for OpenAI's dialect sends the key."""
LOOPBACK = ("127.0.0.1", "::1")


def secret_of(headers: Headers) -> str | None:
    """The API key: `Authorization: Bearer`, or the header that a vendor's SDK sends it in."""
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    if authorization[:7].lower() == "bearer ":
        return authorization[7:].strip()
    for name in (*dialects.key_headers(), AZURE_HEADER):
        secret = headers.get(name.encode())
        if secret is not None:
            return secret.decode("latin-1").strip()
    return None


def is_admin(gateway: Gateway, secret: str | None) -> bool:
    """Whether `secret` is the admin token. Nothing is while no token is configured."""
    token = gateway.admin_token
    if token is None or secret is None:
        return False
    return hmac.compare_digest(secret.encode(), token.encode())


def require_admin(gateway: Gateway, request: HttpRequest) -> None:
    """Let the admin token pass and, while none is configured, clients on this machine.

    Raises Unauthenticated or Forbidden.
    """
    if gateway.admin_token is not None:
        if not is_admin(gateway, secret_of(dict(request.headers.raw))):
            raise Unauthenticated("The admin token is missing or wrong.")
    elif request.client is None or request.client.host not in LOOPBACK:
        raise Forbidden(
            "Administration from another machine requires an admin token.",
            hint=f"Set {gateway.server.admin_token_env}.",
        )
