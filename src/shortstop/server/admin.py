"""Administration over HTTP: keys, reload, erasure. For whoever holds the admin token."""

from __future__ import annotations

import msgspec
from msgspec.structs import asdict
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from shortstop.accounts import GrantRequest, Key
from shortstop.errors import ConfigError, InvalidRequest, NotFound
from shortstop.server.answers import (
    CreatedKey,
    ErasedConversation,
    KeyBalance,
    KeyDetails,
    KeyList,
    Reloaded,
    as_json,
)
from shortstop.server.body import read_request
from shortstop.server.caller import conversation_id
from shortstop.server.capacity import Capacity
from shortstop.server.gateway import Erased, Gateway

ADMINISTRATION = "administration"
"""Whose the bytes of these requests are."""


class AdminApi:
    """The handlers, for whoever `Access.admin` has let in."""

    def __init__(self, gateway: Gateway, capacity: Capacity) -> None:
        self._gateway = gateway
        self._capacity = capacity

    async def keys(self, request: HttpRequest) -> Response:
        """GET /admin/keys: every key, revoked ones included, never a secret."""
        keys = self._gateway.accounts.keys.all()
        return as_json(KeyList([_details(key) for key in keys]))

    async def create_key(self, request: HttpRequest) -> Response:
        """POST /admin/keys: creates a key; only this answer holds its secret."""
        with self._capacity.share(ADMINISTRATION) as share:
            sent = await read_request(request, self._gateway.server, share)
            body = await self._capacity.parse(sent)
        try:
            grant = msgspec.convert(body, GrantRequest).grant()
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"Invalid key request: {error}.") from error
        secret, key = self._gateway.accounts.create(grant)
        return as_json(CreatedKey(**asdict(key), secret=secret), 201)

    async def key(self, request: HttpRequest) -> Response:
        """GET /admin/keys/{id}: a key and what it has spent in this period."""
        accounts, id = self._gateway.accounts, request.path_params["id"]
        key = accounts.keys.get(id)
        if key is None:
            raise NotFound(f"Key {id!r} not found.")
        balance = accounts.balance(key)
        return as_json(KeyBalance(**asdict(key), spent_usd=balance.spent, held_usd=balance.held))

    async def revoke_key(self, request: HttpRequest) -> Response:
        """DELETE /admin/keys/{id}: every worker refuses it within a second."""
        key = self._gateway.accounts.keys.revoke(request.path_params["id"])
        return as_json(_details(key))

    async def reload(self, request: HttpRequest) -> Response:
        """POST /admin/reload: reads the configuration again; an invalid file changes nothing."""
        try:
            return as_json(Reloaded(await self._gateway.reload()))
        except ConfigError as error:
            raise InvalidRequest(str(error), code="invalid_config") from error

    async def erase(self, request: HttpRequest) -> Response:
        """DELETE /admin/conversations/{tenant}/{id}: erases a conversation's surrogates, the
        content of its traces, its stored responses, the answers kept for retries, and its files and
        lines of batches. `id` is the client's name for it, or the one that traces show."""
        tenant, id = request.path_params["tenant"], request.path_params["id"]
        named = await self._gateway.erase(tenant, conversation_id(id))
        traced = await self._gateway.erase(tenant, id)
        erased = Erased(
            surrogates=named.surrogates or traced.surrogates,
            traces=named.traces + traced.traces,
            responses=named.responses + traced.responses,
            answers=named.answers + traced.answers,
            files=named.files + traced.files,
        )
        return as_json(ErasedConversation(erased))


def _details(key: Key) -> KeyDetails:
    return KeyDetails(**asdict(key))
