"""Administration of API keys over HTTP, for those who hold the admin token."""

from __future__ import annotations

import hmac

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from shortstop.accounts import Grant, Key
from shortstop.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from shortstop.server.body import Disconnected, read_body
from shortstop.server.caller import secret_of
from shortstop.server.gateway import Gateway
from shortstop.types import Json


class AdminApi:
    """/admin/keys: list, create, show, revoke."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: HttpRequest) -> Response:
        """GET /admin/keys: all of them, revoked ones too, never their secrets."""
        require_admin(self._gateway, request)
        return as_json({"data": [card(key) for key in self._gateway.accounts.keys.all()]})

    async def create(self, request: HttpRequest) -> Response:
        """POST /admin/keys: a Grant as JSON; the answer holds the secret, this once."""
        require_admin(self._gateway, request)
        try:
            grant = msgspec.json.decode(await body_of(self._gateway, request), type=Grant)
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"This is no grant: {error}.") from error
        secret, key = self._gateway.accounts.create(grant)
        return as_json({"secret": secret, **card(key)}, 201)

    async def show(self, request: HttpRequest) -> Response:
        """GET /admin/keys/{id}: with what it has spent in this period."""
        require_admin(self._gateway, request)
        accounts = self._gateway.accounts
        key = accounts.keys.get(request.path_params["id"])
        if key is None:
            raise NotFound("There is no such key.")
        balance = accounts.balance(key)
        return as_json({**card(key), "spent_usd": balance.spent, "held_usd": balance.held})

    async def revoke(self, request: HttpRequest) -> Response:
        """DELETE /admin/keys/{id}: every worker refuses it within a second."""
        require_admin(self._gateway, request)
        return as_json(card(self._gateway.accounts.keys.revoke(request.path_params["id"])))


def card(key: Key) -> Json:
    """A key as JSON, defaults spelled out."""
    said: Json = msgspec.to_builtins(msgspec.structs.asdict(key))
    return said


def require_admin(gateway: Gateway, request: HttpRequest) -> None:
    """Administration needs the token; without one set, only this machine may ask.

    Raises Unauthenticated or Forbidden.
    """
    token = gateway.admin_token
    if token is not None:
        given = secret_of(dict(request.headers.raw)) or ""
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise Unauthenticated("The admin token is missing or wrong.")
    elif request.client is None or request.client.host not in ("127.0.0.1", "::1"):
        raise Forbidden(
            "Administration from another machine needs a token.",
            hint=f"Set {gateway.server.admin_token_env}.",
        )


async def body_of(gateway: Gateway, request: HttpRequest) -> bytes:
    """The body, as bounded as everywhere. Raises InvalidRequest, TooLarge or Unsupported."""
    limit = int(gateway.server.max_body_mb * 1_000_000)
    try:
        return await read_body(dict(request.headers.raw), request.receive, limit)
    except Disconnected:
        raise InvalidRequest("The client left while it was sending.") from None


def as_json(value: Json, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
